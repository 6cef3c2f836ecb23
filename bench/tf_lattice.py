"""TensorFlow Lattice as its guides use it, with one recipe for every table: what accuracy-rivals.py, audit-rivals.py and fits.py fit.

It has no defaults to take, as boosting has; what follows was tried on training rows of five of the fixed sets (bench/README.md). A model of its `premade` module:
calibrators of ten keypoints at quantiles, signs by `monotonicity`, categories by a calibrator of their own, followed by (a) a linear layer, and by (b) a lattice
of all inputs where they are at most four, else an ensemble of lattices of four inputs each (an RTL layer, two lattices an input, combined linearly).
Adam at LEARNING_RATES, batches of 128, until PATIENCE epochs bring nothing on left-out training rows: a tenth, a fifth below 1,000 rows, four folds below 150.
These rows also choose between (a) and (b); below 5,000 rows the chosen one is fitted again to all, for as many epochs. One thread, fixed seeds.
Needs tensorflow, tf-keras and tensorflow-lattice."""
import logging
import os
import sys
from importlib.metadata import version

os.environ["TF_USE_LEGACY_KERAS"] = "1"  # tensorflow-lattice 2.1 is written for Keras 2
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import numpy as np
import tensorflow as tf
import tensorflow_lattice as tfl
import tf_keras as keras

VERSIONS = {"tensorflow-lattice": version("tensorflow-lattice"), "tensorflow": tf.__version__}
KEYPOINTS = 10
LEARNING_RATES = {"linear": 0.1, "lattice": 0.1, "ensemble": 0.03}
BATCH = 128
EPOCHS = 500
PATIENCE = 40
RANK = 4

logging.disable(sys.maxsize)
tf.config.threading.set_intra_op_parallelism_threads(1)
tf.config.threading.set_inter_op_parallelism_threads(1)


def inputs_of(x, categories):
    """Columns as the model takes them: [column, number of categories or 0, index in x]; the 0/1 columns of a category become its number."""
    first = {start: count for start, count in categories}
    within = {j for start, count in categories for j in range(start, start + count)}
    out = []
    for j in range(x.shape[1]):
        if j in first:
            out.append((x[:, j : j + first[j]].argmax(1).astype("float32"), first[j], j))
        elif j not in within:
            out.append((x[:, j].astype("float32"), 0, j))
    return out


class Lattice:
    """One premade model: `kind` is "linear" or "lattice"."""

    def __init__(self, kind, x, y, signs, task, categories=(), seed=0):
        keras.utils.set_random_seed(seed)
        self.kind, self.task, self.categories, self.compiled = kind, task, categories, None
        columns = inputs_of(x, categories)
        self.used = [k for k, (column, _, _) in enumerate(columns) if len(np.unique(column)) > 1]
        features = [self.feature(*columns[k], signs) for k in self.used]
        span = [float(y.min()), float(y.max())] if task == "regression" else [-2.0, 2.0]
        configs, premade = tfl.configs, tfl.premade
        common = {"feature_configs": features, "output_initialization": span}
        if kind == "linear":
            self.model = premade.CalibratedLinear(configs.CalibratedLinearConfig(**common))
        elif len(features) <= RANK:
            self.model = premade.CalibratedLattice(configs.CalibratedLatticeConfig(**common))
        else:
            ensemble = {"lattices": "rtl_layer", "num_lattices": 2 * len(features), "lattice_rank": RANK, "random_seed": seed}
            config = configs.CalibratedLatticeEnsembleConfig(**common, **ensemble, use_linear_combination=True, use_bias=True)
            self.model = premade.CalibratedLatticeEnsemble(config)
        loss = "mse" if task == "regression" else keras.losses.BinaryCrossentropy(from_logits=True)
        name = "ensemble" if kind == "lattice" and len(features) > RANK else kind
        optimizer = keras.optimizers.Adam(LEARNING_RATES[name])
        self.model.compile(loss=loss, optimizer=optimizer, steps_per_execution=min(32, -(-len(y) // BATCH)))
        optimizer.build(self.model.trainable_variables)
        self.variables = [*self.model.variables, *optimizer.variables]
        self.start = [v.numpy() for v in self.variables]

    @staticmethod
    def feature(column, buckets, j, signs):
        if buckets:
            return tfl.configs.FeatureConfig(name=f"x{j}", num_buckets=buckets)
        values = np.unique(column)
        if len(values) > KEYPOINTS:
            values = np.unique(np.quantile(values, np.linspace(0, 1, KEYPOINTS), method="nearest"))
        keypoints = [float(v) for v in values]
        return tfl.configs.FeatureConfig(name=f"x{j}", monotonicity=int(signs[j]), pwl_calibration_input_keypoints=keypoints)

    def tensors(self, x):
        columns = inputs_of(x, self.categories)
        return [columns[k][0][:, None] for k in self.used]

    def train(self, x, y, held=None, epochs=EPOCHS):
        """Trains from the start; with held-out rows (x, y) until these say stop. Returns (their loss, epochs)."""
        for variable, value in zip(self.variables, self.start):
            variable.assign(value)
        more = {}
        if held:
            stop = keras.callbacks.EarlyStopping(patience=PATIENCE, restore_best_weights=True)
            more = {"validation_data": (self.tensors(held[0]), held[1].astype("float32")), "validation_batch_size": 8192, "callbacks": [stop]}
        history = self.model.fit(self.tensors(x), y.astype("float32"), batch_size=BATCH, epochs=epochs, verbose=0, **more).history
        if not held:
            return None
        best = int(np.argmin(history["val_loss"]))
        return history["val_loss"][best], best + 1

    def predict(self, x):
        out = self.model.predict(self.tensors(x), batch_size=8192, verbose=0)[:, 0]
        return out if self.task == "regression" else (out > 0).astype(int)

    def predict_once(self, x):
        """As predict, in one call of a compiled function: without predict's loop over batches, which takes most of the time of few rows."""
        if not self.compiled:
            self.compiled = tf.function(lambda *columns: self.model(list(columns)), reduce_retracing=True)
        out = self.compiled(*map(tf.constant, self.tensors(x))).numpy()[:, 0]
        return out if self.task == "regression" else (out > 0).astype(int)


class ZScored:
    """The recipe for a numeric target as it is: z-scored for the fit, and back. Predictions, of one row or many, come from one compiled function."""

    def __init__(self, signs, categories=(), seed=0):
        self.signs, self.categories, self.seed = signs, categories, seed

    def fit(self, x, y):
        self.mean, self.sd = y.mean(), y.std()
        self.lattice = fit(x, (y - self.mean) / self.sd, self.signs, categories=self.categories, seed=self.seed)
        return self

    def predict(self, x):
        return self.lattice.predict_once(x).astype(float) * self.sd + self.mean


def fit(x, y, signs, task="regression", categories=(), seed=0):
    """The model of the recipe, with `predict`, `kind` and `epochs`."""
    keras.backend.clear_session()
    n = len(y)
    order = np.random.default_rng(seed).permutation(n)
    if n < 150:
        folds = [order[k::4] for k in range(4)]
    else:
        folds = [order[: n // (5 if n < 1000 else 10)]]
    best = None
    for kind in ("linear", "lattice"):
        lattice = Lattice(kind, x, y, signs, task, categories, seed)
        tried = []
        for fold in folds:
            rest = np.setdiff1d(order, fold)
            tried.append(lattice.train(x[rest], y[rest], (x[fold], y[fold])))
        loss = float(np.mean([t[0] for t in tried]))
        if best is None or loss < best[0]:
            best = (loss, max(1, round(np.median([t[1] for t in tried]))), lattice, lattice.model.get_weights())
    loss, lattice_epochs, lattice, weights = best
    if n < 5000:
        lattice.train(x, y, epochs=lattice_epochs)
    else:
        lattice.model.set_weights(weights)
    lattice.epochs = lattice_epochs
    return lattice
