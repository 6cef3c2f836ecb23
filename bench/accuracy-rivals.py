"""Rivals of bench/accuracy.mjs, library defaults. In: a folder with task.json and x.bin (float64, row-major), as accuracy.mjs writes it.
Out: one JSON line a task: { name, versions, scores: { rival: [one figure a split] } }. Inputs and a numeric target are z-scored on the training rows.
Needs numpy, scikit-learn and xgboost; lightgbm when it is there. With the second argument "lattice" TensorFlow Lattice alone, by the recipe of tf_lattice.py;
the line then has `seconds`, of the CPU, and `kinds`, one of each a split."""
import json
import os
import sys
import time
import warnings

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")
import numpy as np

LATTICE = sys.argv[2:] == ["lattice"]
if LATTICE:
    import tf_lattice
else:
    import sklearn
    import xgboost
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
    from sklearn.linear_model import LogisticRegression
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    try:
        import lightgbm
    except ImportError:
        lightgbm = None
warnings.filterwarnings("ignore")


def signed_ridge(x, y, signs):
    """Sign-constrained ridge by coordinate descent, its strength by 8 folds or leave-one-out: the linear rival."""
    n, d = x.shape

    def solve(rows, ridges):
        mx, my = x[rows].mean(0), y[rows].mean()
        xc, yc = x[rows] - mx, y[rows] - my
        g, c = xc.T @ xc / len(yc), xc.T @ yc / len(yc)
        w, q, out = np.zeros(d), np.zeros(d), []
        for ridge in ridges:
            for _ in range(300):
                largest = 0.0
                for j in range(d):
                    if g[j, j] < 1e-12:
                        continue
                    new = (c[j] - q[j] + g[j, j] * w[j]) / (g[j, j] + ridge)
                    if new * signs[j] < 0:
                        new = 0.0
                    step = new - w[j]
                    if step:
                        w[j] = new
                        q += g[j] * step
                        largest = max(largest, abs(step))
                if largest < 1e-6:
                    break
            out.append((w.copy(), my - mx @ w))
        return out

    ridges = [1, 0.3, 0.1, 0.03, 0.01, 1e-3, 1e-4]
    folds = n if n <= 60 else 8
    fold = np.random.default_rng(0).permutation(n) % folds
    error = np.zeros(len(ridges))
    for k in range(folds):
        for i, (w, b) in enumerate(solve(fold != k, ridges)):
            error[i] += ((x[fold == k] @ w + b - y[fold == k]) ** 2).sum()
    best = int(np.argmin(error))
    return solve(np.ones(n, bool), ridges[: best + 1])[-1]


def models(task, signs, rivals):
    signs = [int(s) for s in signs]
    mono = tuple(signs)
    if task == "regression":
        made = {
            "MLP free": lambda: MLPRegressor(hidden_layer_sizes=(64, 32), max_iter=300, random_state=0),
            "HGB monotone": lambda: HistGradientBoostingRegressor(monotonic_cst=signs, random_state=0),
            "HGB free": lambda: HistGradientBoostingRegressor(random_state=0),
            "XGB monotone": lambda: xgboost.XGBRegressor(monotone_constraints=mono, n_jobs=1, random_state=0),
            "XGB free": lambda: xgboost.XGBRegressor(n_jobs=1, random_state=0),
        }
        if lightgbm:
            made["LightGBM monotone"] = lambda: lightgbm.LGBMRegressor(monotone_constraints=signs, n_jobs=1, verbose=-1)
    else:
        made = {
            "logistic": lambda: LogisticRegression(max_iter=1000),
            "MLP free": lambda: MLPClassifier(hidden_layer_sizes=(64, 32), max_iter=300, random_state=0),
            "HGB monotone": lambda: HistGradientBoostingClassifier(monotonic_cst=signs, random_state=0),
            "HGB free": lambda: HistGradientBoostingClassifier(random_state=0),
            "XGB monotone": lambda: xgboost.XGBClassifier(monotone_constraints=mono, n_jobs=1, random_state=0),
            "XGB free": lambda: xgboost.XGBClassifier(n_jobs=1, random_state=0),
        }
        if lightgbm:
            made["LightGBM monotone"] = lambda: lightgbm.LGBMClassifier(monotone_constraints=signs, n_jobs=1, verbose=-1)
    return {k: v for k, v in made.items() if k not in rivals}


def run(t, x):
    signs, task, measure = np.array(t["signs"]), t["task"], t["measure"]
    y = np.array(t["target"])
    scores = {}
    lattice = {"seconds": [], "kinds": []}
    for test in t["tests"]:
        rest = np.ones(len(y), bool)
        rest[test] = False
        mean, sd = x[rest].mean(0), x[rest].std(0)
        z = (x - mean) / np.where(sd > 0, sd, 1)
        my, sy = (y[rest].mean(), y[rest].std()) if task == "regression" else (0.0, 1.0)
        target = (y[rest] - my) / sy if task == "regression" else y[rest].astype(int)

        def score(p):
            if task == "classification":
                return float((p == y[test]).mean())
            e = float(np.mean((p * sy + my - y[test]) ** 2))
            return e if measure == "mse" else e**0.5 / (t["sd"] if measure == "rmse/sd" else 1)

        if LATTICE:
            began = time.process_time()
            model = tf_lattice.fit(z[rest], target, signs, task, t["categories"])
            lattice["seconds"].append(time.process_time() - began)
            lattice["kinds"].append(model.kind)
            scores.setdefault("TF Lattice", []).append(score(model.predict(z[test])))
            continue
        if task == "regression":
            w, b = signed_ridge(z[rest], target, signs)
            scores.setdefault("linear, signs", []).append(score(z[test] @ w + b))
        for name, make in models(task, signs, t.get("skip", [])).items():
            scores.setdefault(name, []).append(score(make().fit(z[rest], target).predict(z[test])))
    return {"scores": scores, **(lattice if LATTICE else {})}


if __name__ == "__main__":
    folder = sys.argv[1]
    if LATTICE:
        versions = tf_lattice.VERSIONS
    else:
        versions = {"sklearn": sklearn.__version__, "xgboost": xgboost.__version__}
        if lightgbm:
            versions["lightgbm"] = lightgbm.__version__
    with open(os.path.join(folder, "task.json"), encoding="utf8") as f:
        tasks = json.load(f)
    data = np.fromfile(os.path.join(folder, "x.bin"))
    for t in tasks:
        x = data[t["from"] : t["from"] + t["rows"] * t["inputs"]].reshape(t["rows"], t["inputs"])
        print(json.dumps({"name": t["name"], "versions": versions, **run(t, x)}), flush=True)
