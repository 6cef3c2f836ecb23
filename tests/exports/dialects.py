"""Runs queries in the dialects of other engines with SQLite: python3 dialects.py < tasks.json > answers.json

A task: { dialect, columns: [[name, type]], rows, query, expression }. Where the dialects differ in words only, SQLite is given its own words for
them; functions that it lacks are added. What the engines themselves make of a query is tests/exports/run.mjs.
"""
import json, math, re, sqlite3, sys


def inner(a, b):
    return None if a is None or b is None else sum(x * y for x, y in zip(json.loads(a), json.loads(b), strict=True))


def vector(*values):
    return json.dumps(values)


def spark_total(networks, z):  # array_min(array_max(...)) of from_json's arrays, as toSQL writes it
    row = json.loads(z)
    value = lambda w: sum(a * b for a, b in zip(w, row, strict=True))
    return sum(min(max(map(value, group)) for group in groups) for groups in json.loads(networks))


def escaped(text):  # Spark and BigQuery: four hexadecimal digits
    return re.sub(r"\\u([0-9a-f]{4})", lambda m: chr(int(m[1], 16)), text)


def binary(match):  # MySQL compares bytes
    return match[0] if match[0][0] == "x" else "x'" + match[1].encode().hex() + "'"


WORDS = {
    "postgresql": [
        (r"\s+OFFSET 0\) AS", " LIMIT -1 OFFSET 0) AS"),
        (r"(?<= )E'((?:''|[^'])*)'", lambda m: f"'{m[1]}'".replace("\\\\", "\\")),
        (r"= 'NaN'", "IS NULL"),
    ],
    "mysql": [
        (r"CAST\(CONVERT\((`(?:``|[^`])*`) USING utf8mb4\) AS BINARY\)", r"CAST(\1 AS BLOB)"),
        (r"LIMIT 18446744073709551615", "LIMIT -1"),
        (r"x'[0-9a-f]*'|'([^']*)'", binary),
    ],
    "spark": [
        (r"AS STRING", "AS TEXT"),
        (r"'((?:\\.|[^'])*)'", lambda m: "'" + escaped(m[1]).replace("\\'", "''") + "'"),
        (
            r"aggregate\(from_json\(('[^']*'), '[^']*'\), 0e0, \(s, n\) -> .*? -> t \+ x\){6}",
            lambda m: f"spark_total({m[1]}, z)",
        ),
        (r"\barray\(", "vector("),
    ],
    "bigquery": [(r"AS STRING", "AS TEXT"), (r"'(?:\\.|[^'])*'", lambda m: escaped(m[0]))],
    "duckdb": [(r"AS VARCHAR", "AS TEXT"), (r"CAST\(\[([^\[\]]*)\] AS DOUBLE\[\d+\]\)", r"vector(\1)")],
    "clickhouse": [
        (r"Nullable\(Float64\)", "REAL"),
        (r"Nullable\(String\)", "TEXT"),
        (r"\nSETTINGS .*$", ""),
        (r"arrayMap\((\w+) -> (.*), \[(\[.*\])\]\)\[1\]", r"(SELECT \2 FROM (SELECT \3 AS \1) AS \1)"),
        (r"\[([^\[\]]*)\]", r"vector(\1)"),
    ],
    "sqlite": [],
}

base = sqlite3.connect(":memory:")
for name, count, of in [
    ("GREATEST", -1, lambda *v: None if None in v else max(v)),
    ("LEAST", -1, lambda *v: None if None in v else min(v)),
    ("ln", 1, lambda x: None if x is None else math.log(x)),
    ("log", 1, lambda x: None if x is None else math.log(x)),
    ("exp", 1, lambda x: None if x is None else math.exp(x)),
    ("isnan", 1, lambda x: 0 if x is None else int(x != x)),
    ("is_nan", 1, lambda x: 0 if x is None else int(x != x)),
    ("vector", -1, vector),
    ("array_inner_product", 2, inner),
    ("dotProduct", 2, inner),
    ("spark_total", 2, spark_total),
]:
    base.create_function(name, count, of, deterministic=True)
base.create_collation("C", lambda a, b: (a.encode() > b.encode()) - (a.encode() < b.encode()))

answers = []
for task in json.load(sys.stdin):
    query = task["query"]
    for pattern, word in WORDS[task["dialect"]]:
        query = re.sub(pattern, word, query)
    names = ['"' + name.replace('"', '""') + '"' for name, _ in task["columns"]]
    base.execute("DROP TABLE IF EXISTS jobs")
    kinds = [kind for _, kind in task["columns"]]
    base.execute(f"CREATE TABLE jobs ({', '.join(map(' '.join, zip(names, kinds)))})")
    base.executemany(f"INSERT INTO jobs VALUES ({', '.join('?' * len(names))})", task["rows"])
    try:
        answers.append(base.execute(query if not task["expression"] else f"SELECT {query} FROM jobs").fetchall())
    except sqlite3.Error as error:
        answers.append(f"{error}: {query[:2000]}")
json.dump(answers, sys.stdout)
