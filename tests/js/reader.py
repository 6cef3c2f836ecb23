"""Reads an isotone model file and predicts: python3 reader.py model.json < rows.json > predictions.json

Written from docs/model-format.md alone, in double precision, without the library. Rows: a JSON list of objects; for a quantile model each
may hold a requested level under the key "" (0.5 without it).
"""
import json, math, struct, sys


def value(feature, row):  # step 1: None is missing
    v = row.get(feature["name"])
    if v is None:
        assert feature["missing"] != "error", "missing value of " + feature["name"]
        return None
    if feature["kind"] == "number":
        return float(v)
    return feature["categories"].index(v if v in feature["categories"] else feature["unknown"])


def fed_in(model, p):  # quantile models: the calibrated level
    points = [[0, 0]] + model.get("calibration", []) + [[1, 1]]
    for (x0, y0), (x1, y1) in zip(points, points[1:]):
        if p <= x1:
            return min(max(y0 + (p - x0) / (x1 - x0) * (y1 - y0), 2.0**-24), 1 - 2.0**-24)


def transform(model, entry, row):  # step 2, before scaling
    kind = entry["transform"]
    if kind == "level":
        p = fed_in(model, row.get("", 0.5))
        return math.log(p) - math.log(1 - p)
    feature = model["features"][entry["feature"]]
    v = value(feature, row)
    if kind == "missing":
        return 1.0 if v is None else 0.0
    if kind == "equals":
        return 1.0 if v == entry["category"] else 0.0
    if v is None:
        v = feature["fill"]
    if kind == "linear":
        return v
    q = v / entry["divisor"]
    return q if q < 0 else math.log(1 + q)


def predict(model, row):
    z = [max(-50.0, min(50.0, (transform(model, e, row) - e["center"]) * e["scale"])) for e in model["inputs"]]
    plane = lambda w: w[-1] + sum(a * b for a, b in zip(w, z))
    total = sum(min(max(plane(w) for w in group) for group in network) for network in model["networks"])
    eta = total * model["scale"] + model["offset"]
    if model["link"]["name"] == "exp":
        return math.exp(min(eta, model["link"]["maximum"]))
    return 1 / (1 + math.exp(-eta)) if model["link"]["name"] == "logistic" else eta


float32 = lambda text: struct.unpack("f", struct.pack("f", float(text)))[0]

if __name__ == "__main__":
    model = json.load(open(sys.argv[1], encoding="utf-8"), parse_float=float32)
    assert model["format"] == "isotone" and model["version"] == 1, "not an isotone model of version 1"
    json.dump([predict(model, row) for row in json.load(sys.stdin)], sys.stdout)
