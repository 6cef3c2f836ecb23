"""Exported wasm modules in wasmtime, ONNX graphs in onnx.checker and onnxruntime: the jobs of a file. Started by wasm.mjs and onnx.mjs."""

import json
import sys
from importlib.metadata import version

import numpy as np


def wasm(jobs):
    import wasmtime

    engine = wasmtime.Engine()
    for job in jobs:
        rows = np.fromfile(job["rows"], np.float32)
        width, few = job["width"], job["few"]
        n = len(rows) // width
        store = wasmtime.Store(engine)
        module = wasmtime.Module.from_file(engine, job["model"])
        get = wasmtime.Instance(store, module, []).exports(store)
        memory, at = get["memory"], get["buffer"](store)
        assert get["features"](store) == width and len(module.imports) == 0
        out = at + rows.nbytes
        missing = out + 4 * max(n, few * width) - memory.data_len(store)
        if missing > 0:
            memory.grow(store, -(-missing // 65536))
        memory.write(store, rows.tobytes(), at)
        read = lambda count: np.frombuffer(memory.read(store, out, out + 4 * count), np.float32).copy()
        get["predict_many"](store, at, n, out)
        many = read(n)
        for r in range(0, n, 97):
            one = get["predict"](store, at + 4 * r * width)
            assert np.float32(one) == many[r], f"predict and predict_many differ in row {r}"
        get["sensitivity_many"](store, at, few, out)
        slopes = read(few * width).reshape(few, width)
        rest = []
        for r in range(few):
            row = at + 4 * r * width
            more = [get["quantile"](store, row, p) for p in job["levels"]]
            if "interval" in get:
                get["interval"](store, row, job["coverage"], out)
                more.extend(read(2))
            rest.append(more)
        rest = np.array(rest, np.float32).reshape(few, -1)
        np.concatenate([many, np.hstack([slopes, rest]).ravel()]).tofile(job["out"])
    return version("wasmtime")


def onnx(jobs):
    import onnx
    import onnxruntime

    for job in jobs:
        model = onnx.load(job["model"])
        onnx.checker.check_model(model, full_check=True)
        about = {p.key: p.value for p in model.metadata_props}
        assert json.loads(about["features"]) == job["features"], "features of the metadata"
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        session = onnxruntime.InferenceSession(job["model"], options)
        rows = np.fromfile(job["rows"], np.float32).reshape(-1, job["width"])
        few = rows[: job["few"]]

        def ask(rows, *levels):
            feeds = {"level": np.array(levels or [0.5], np.float32)} if job["levels"] else {}
            return session.run(["prediction"], {"rows": rows, **feeds})[0]

        out = [ask(rows), *(ask(few, p) for p in job["levels"])]
        if job["levels"]:
            own = np.resize(job["levels"], len(few))
            each = np.choose(np.arange(len(few)) % len(job["levels"]), out[1:])
            off = np.abs(ask(few, *own) / each - 1).max()
            assert off <= (0 if job["exact"] else 1e-5), f"a level for each row: {off}"
            for p in [0, 1, -1, 2, np.nan]:
                assert np.isnan(ask(few, p)).all(), "a level beyond (0, 1)"
        out.append(ask(np.fromfile(job["tries"], np.float32).reshape(-1, job["width"])))
        out.extend(ask(rows[r : r + 1]) for r in range(job["single"]))
        np.concatenate(out).tofile(job["out"])
    return onnxruntime.__version__


print(json.dumps({"version": {"wasm": wasm, "onnx": onnx}[sys.argv[1]](json.load(open(sys.argv[2])))}))
