"""Boosted trees with their usual settings, asked about a grid of `isotone audit --grid`.

usage: audit-rivals.py train.csv grid.csv target seed out-prefix feature=sign ...
Writes one file of predictions for each model: PREFIX-xgboost.csv and so on. Needs numpy, scikit-learn and xgboost.
"""
import csv
import sys

import numpy as np
from sklearn.ensemble import HistGradientBoostingRegressor
from xgboost import XGBRegressor

train, grid, target, seed, prefix = sys.argv[1:6]
signs = dict(pair.rsplit("=", 1) for pair in sys.argv[6:])
names = list(signs)
directions = [int(signs[name]) for name in names]


def columns(path, wanted):
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))
    return np.array([[float(row[name]) for name in wanted] for row in rows])


x, y = columns(train, names), columns(train, [target])[:, 0]
asked = columns(grid, names)
# a share of rows and columns for each tree is usual, and makes a seed matter
trees = {"n_estimators": 300, "learning_rate": 0.05, "max_depth": 6, "subsample": 0.8, "colsample_bytree": 0.8, "n_jobs": 1}
seed = int(seed)
models = {
    "xgboost": XGBRegressor(**trees, random_state=seed),
    "sklearn": HistGradientBoostingRegressor(max_features=0.8, random_state=seed),
    "xgboost-monotone": XGBRegressor(**trees, random_state=seed, monotone_constraints=tuple(directions)),
    "sklearn-monotone": HistGradientBoostingRegressor(max_features=0.8, random_state=seed, monotonic_cst=directions),
}
for name, model in models.items():
    predictions = model.fit(x, y).predict(asked)
    with open(f"{prefix}-{name}.csv", "w") as file:
        file.write("prediction\n" + "".join(f"{float(v)!r}\n" for v in predictions))
