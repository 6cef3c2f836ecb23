"""Rivals of bench/fits.mjs, one a process: fits with library defaults and monotone constraints, timed; asked again for each line on stdin.

usage: fits.py FOLDER MODEL     model: hgb, xgboost, lightgbm or tf-lattice
In: FOLDER/task.json { signs, categories, train, test, columns } and train.bin, test.bin (float64, row-major, the target last).
Out: first a line { version, installed }, bytes of the library and of all that it needs; then for each line of stdin one
{ seconds, error, batch, one, bytes }: of the fit, RMSE on the test rows over the sd of their target, seconds of predicting them all and of one row in Python,
bytes of the saved model. Inputs as they are, but for TensorFlow Lattice, whose target is z-scored."""
import json
import os
import re
import sys
import time
import warnings
from importlib import metadata

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")
import numpy as np

warnings.filterwarnings("ignore")
folder, key = sys.argv[1:3]


def tree_size(path):
    if os.path.isfile(path):
        return os.path.getsize(path)
    return sum(os.path.getsize(os.path.join(at, f)) for at, _, files in os.walk(path) for f in files)


def installed(name, seen):
    """Bytes of an installed package and of those that it requires, `seen` left out."""
    name = re.sub(r"[-_.]+", "-", name).lower()
    if name in seen:
        return 0
    seen.add(name)
    try:
        package = metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return 0
    files = (str(package.locate_file(f)) for f in package.files or [] if "__pycache__" not in str(f))
    own = sum(os.path.getsize(f) for f in files if os.path.exists(f))
    needed = [r for r in package.requires or [] if "extra ==" not in r]
    return own + sum(installed(re.match(r"[A-Za-z0-9._-]+", r).group(), seen) for r in needed)


def save_pickle(model, path):
    import joblib

    joblib.dump(model, path)


with open(os.path.join(folder, "task.json"), encoding="utf8") as f:
    task = json.load(f)
signs = [int(s) for s in task["signs"]]
if key == "hgb":
    from sklearn.ensemble import HistGradientBoostingRegressor

    package, make, save = "scikit-learn", lambda: HistGradientBoostingRegressor(monotonic_cst=signs, random_state=0), save_pickle
elif key == "xgboost":
    from xgboost import XGBRegressor

    package, make = "xgboost", lambda: XGBRegressor(monotone_constraints=tuple(signs), n_jobs=1, random_state=0)
    save = lambda model, path: model.save_model(f"{path}.ubj")
elif key == "lightgbm":
    from lightgbm import LGBMRegressor

    package, make = "lightgbm", lambda: LGBMRegressor(monotone_constraints=signs, n_jobs=1, verbose=-1)
    save = lambda model, path: model.booster_.save_model(path)
else:
    import tf_lattice

    package, make = "tensorflow-lattice", lambda: tf_lattice.ZScored(signs, task["categories"])
    save = lambda model, path: model.lattice.model.save(path)

width = len(signs) + 1
train, test = (np.fromfile(os.path.join(folder, f"{part}.bin")).reshape(-1, width) for part in ("train", "test"))
x, y, xt, yt = train[:, :-1], train[:, -1], test[:, :-1], test[:, -1]
size = installed(package, set()) + (installed("tf-keras", {"tensorflow"}) if key == "tf-lattice" else 0)
print(json.dumps({"version": metadata.version(package), "installed": size}), flush=True)


def median_time(run, times):
    took = []
    for _ in range(times):
        began = time.perf_counter()
        run()
        took.append(time.perf_counter() - began)
    return float(np.median(took))


for number, _ in enumerate(sys.stdin):
    began = time.process_time()
    model = make().fit(x, y)
    seconds = time.process_time() - began
    error = float(np.sqrt(np.mean((model.predict(xt) - yt) ** 2)) / yt.std())
    path = os.path.join(folder, f"{key}-{number}")
    save(model, path)
    path = f"{path}.ubj" if key == "xgboost" else path
    row = xt[:1]
    one = median_time(lambda: model.predict(row), 100)
    batch = median_time(lambda: model.predict(xt), 5)
    print(json.dumps({"seconds": seconds, "error": error, "batch": batch, "one": one, "bytes": tree_size(path)}), flush=True)
