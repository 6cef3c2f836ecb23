"""Boosted trees with their usual settings, and TensorFlow Lattice, asked about a grid of `isotone audit --grid` and about ordered pairs of rows.

usage: audit-rivals.py models train.csv grid.csv pairs.csv target seed out-prefix feature=sign ...
Models: their keys below, with commas between. Writes three files of predictions for each: PREFIX-xgboost.csv, PREFIX-xgboost-pairs.csv of the pairs in one
batch, PREFIX-xgboost-alone.csv of the first 1,000 of these rows, one a call.
Needs numpy and what the models need: scikit-learn, xgboost, lightgbm, tensorflow-lattice (tf_lattice.py).
"""
import csv
import os
import sys

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(variable, "1")
import numpy as np

wanted, train, grid, pairs, target, seed, prefix = sys.argv[1:8]
signs = dict(pair.rsplit("=", 1) for pair in sys.argv[8:])
names = list(signs)
directions = [int(signs[name]) for name in names]
seed = int(seed)


def columns(path, wanted):
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))
    return np.array([[float(row[name]) for name in wanted] for row in rows])


# a share of rows and columns for each tree is usual, and makes a seed matter
TREES = {"n_estimators": 300, "learning_rate": 0.05, "max_depth": 6, "subsample": 0.8, "colsample_bytree": 0.8, "n_jobs": 1}


def xgboost(**more):
    from xgboost import XGBRegressor

    return XGBRegressor(**TREES, random_state=seed, **more)


def sklearn(**more):
    from sklearn.ensemble import HistGradientBoostingRegressor

    return HistGradientBoostingRegressor(max_features=0.8, random_state=seed, **more)


def lightgbm():
    from lightgbm import LGBMRegressor

    return LGBMRegressor(**TREES, subsample_freq=1, random_state=seed, monotone_constraints=directions, verbose=-1)


def lattice():
    import tf_lattice

    return tf_lattice.ZScored(directions, seed=seed)


models = {
    "xgboost": xgboost,
    "sklearn": sklearn,
    "xgboost-monotone": lambda: xgboost(monotone_constraints=tuple(directions)),
    "sklearn-monotone": lambda: sklearn(monotonic_cst=directions),
    "lightgbm-monotone": lightgbm,
    "tf-lattice": lattice,
}
x, y = columns(train, names), columns(train, [target])[:, 0]
for name in wanted.split(","):
    model = models[name]().fit(x, y)
    ordered = columns(pairs, names)
    answers = {
        "": model.predict(columns(grid, names)),
        "-pairs": model.predict(ordered),
        "-alone": [model.predict(row[None, :])[0] for row in ordered[:1000]],
    }
    for suffix, predictions in answers.items():
        with open(f"{prefix}-{name}{suffix}.csv", "w") as file:
            file.write("prediction\n" + "".join(f"{float(v)!r}\n" for v in predictions))
