"""Trains one isotone model on the partitions of a Spark data set, and scores the data with it in Spark SQL.

    python train.py jobs.csv model.json --target minutes --increasing scan,repair --decreasing staff

What follows the two files goes to `isotone scan` and `isotone fit` as it is. Each partition goes as CSV through the command line on the machine where
it lies: first `isotone scan -` (one scaling for all), then `isotone fit -`; a model comes back as one line a partition, and `isotone merge` averages
them. Nothing but those lines leaves the workers. They need Node 20 and the npm package isotone; ISOTONE says how it is called there.
"""

import os
import shlex
import subprocess
import sys
import tempfile

from pyspark.sql import SparkSession

PARTITIONS = int(os.environ.get("PARTITIONS", "4"))
ISOTONE = shlex.split(os.environ.get("ISOTONE", "npx isotone"))


def isotone(*args, text=None):
    done = subprocess.run([*ISOTONE, *args], input=text, capture_output=True, encoding="utf-8")
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip())
    return done.stdout


def on_partitions(rows, header, args, scaling=None):
    """Runs a command on every partition, as CSV on stdin; its lines on stdout are the new partition."""

    def run(part):
        text = "\n".join([header, *part]) + "\n"
        with tempfile.TemporaryDirectory() as folder:
            more = []
            if scaling is not None:
                more = ["--scaling", os.path.join(folder, "scaling.json")]
                with open(more[1], "w", encoding="utf-8") as file:
                    file.write(scaling)
            yield from isotone(*args, *more, text=text).splitlines()

    return rows.mapPartitions(run).collect()


def main(csv, model, flags):
    spark = SparkSession.builder.appName("isotone").getOrCreate()
    lines = spark.sparkContext.textFile(csv)
    header = lines.first()
    # shards must be alike: a sorted table is mixed first
    rows = lines.filter(lambda line: line != header).repartition(PARTITIONS).cache()

    with tempfile.TemporaryDirectory() as folder:
        parts = []
        for k, scaling in enumerate(on_partitions(rows, header, ["scan", "-", "-q", *flags])):
            parts.append(os.path.join(folder, f"{k}.json"))
            with open(parts[-1], "w", encoding="utf-8") as file:
                file.write(scaling)
        scaling = isotone("scan", "--merge", *parts, "-q")
    models = on_partitions(rows, header, ["fit", "-", "-q", *flags], scaling)
    isotone("merge", "-", "-q", "-o", model, text="\n".join(models) + "\n")
    print(f"{len(models)} models merged into {model}")

    # the model goes to the data: the same table, scored where it lies
    spark.read.csv(csv, header=True, inferSchema=True).createOrReplaceTempView("jobs")
    query = isotone("export", model, "--to", "sql", "--dialect", "spark", "--table", "jobs", "-q").rstrip(";\n")
    spark.sql(query).summary("count", "mean", "min", "max").show()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
