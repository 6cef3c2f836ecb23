"""One engine behind a pipe: a JSON command a line on stdin, a JSON answer a line on stdout. Started by engines.mjs."""

import json
import os
import struct
import sys


class ClickHouse:
    def open(self, command):
        from chdb import session

        self.session = session.Session()
        # models of more than about twenty inputs make longer queries than 256 kB: docs/export.md
        self.session.query("SET max_query_size = 67108864")
        return str(self.session.query("SELECT version()")).strip().strip('"')

    def load(self, command):
        def name(c):
            return "`" + c["name"].replace("\\", "\\\\").replace("`", "\\`") + "`"

        kinds = ["Nullable(String)" if c.get("text") else "Nullable(Float64)" for c in command["columns"]]
        columns = ", ".join(f"{name(c)} {k}" for c, k in zip(command["columns"], kinds))
        table = name({"name": command["table"]})
        self.run({"sql": "CREATE DATABASE IF NOT EXISTS d ENGINE = Atomic"})
        self.run({"sql": "USE d"})
        self.run({"sql": f"DROP TABLE IF EXISTS {table}"})
        # a merge tree, as tables are in practice: read by several threads where it may
        self.run({"sql": f"CREATE TABLE {table} ({columns}) ENGINE = MergeTree ORDER BY tuple()"})
        self.run({"sql": f"INSERT INTO {table} FROM INFILE '{command['file']}' FORMAT JSONEachRow"})

    def run(self, command):
        self.session.query(command["sql"])

    def query(self, command):
        import pyarrow.ipc

        raw = self.session.query(command["sql"], "ArrowStream").bytes()
        return write(command["file"], pyarrow.ipc.open_stream(raw).read_all())


class Spark:
    def open(self, command):
        import pyspark
        from pyspark.sql import SparkSession

        os.environ["PYSPARK_PYTHON"] = sys.executable
        self.spark = (
            SparkSession.builder.master("local[2]")
            .config("spark.ui.enabled", "false")
            .config("spark.sql.shuffle.partitions", "4")
            .config("spark.driver.memory", "3g")
            .config("spark.sql.warehouse.dir", os.path.join(command["work"], "warehouse"))
            .config("spark.driver.bindAddress", "127.0.0.1")
            .config("spark.driver.host", "127.0.0.1")
            .config("spark.log.level", "ERROR")
            .getOrCreate()
        )
        return pyspark.__version__

    def load(self, command):
        from pyspark.sql.types import DoubleType, StringType, StructField, StructType

        schema = StructType(
            [StructField(c["name"], StringType() if c.get("text") else DoubleType()) for c in command["columns"]]
        )
        with open(command["file"], encoding="utf-8") as lines:
            rows = [tuple(map(json.loads(line).get, [c["name"] for c in command["columns"]])) for line in lines]
        rows = [tuple(float(v) if isinstance(v, int) else v for v in row) for row in rows]
        frame = self.spark.createDataFrame(self.spark.sparkContext.parallelize(rows, 4), schema)
        frame.cache().count()
        frame.createOrReplaceTempView("`" + command["table"].replace("`", "``") + "`")

    def run(self, command):
        self.spark.sql(command["sql"])

    def query(self, command):
        return write(command["file"], self.spark.sql(command["sql"]).toArrow())


def write(file, table):
    """Every column as doubles, one after the other; returns how many there are."""
    with open(file, "wb") as out:
        for column in table.columns:
            values = [float("nan") if v is None else float(v) for v in column.to_pylist()]
            out.write(struct.pack(f"<{len(values)}d", *values))
    return len(table.columns)


def main():
    engine = {"clickhouse": ClickHouse, "spark": Spark}[sys.argv[1]]()
    # what libraries print must not mix with the answers
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        command = json.loads(line)
        try:
            answer = {"result": getattr(engine, command["do"])(command)}
        except ImportError as error:
            answer = {"missing": f"Python package {error.name} (node tests/exports/run.mjs --install)"}
        except Exception as error:  # noqa: BLE001
            answer = {"error": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


main()
