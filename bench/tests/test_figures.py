import json
import subprocess
import sys

from bench import __main__ as bench
from bench import inside
from bench.figures import FIGURES, Figure, Target
from dev.folders import ROOT


def judged(number, values):
    figure = next(figure for figure in FIGURES if figure.number == number)
    return [target.met for target in figure.targets(values)]


def test_a_drain_as_fast_as_huey_and_half_the_bound_meets_its_targets():
    values = {
        "drained, one worker (/s)": 210,
        "drained, two workers (/s)": 400,
        "huey, 40 threads (/s)": 210,
        "dramatiq, 40 threads (/s)": 217,
        "asyncio bound, C=100 (/s)": 801,
    }

    assert judged(3, values) == [True, False, False]


def test_requests_that_failed_are_a_miss():
    values = {
        "confirmations (/s)": 400,
        "pgbench, same SQL (/s)": 1000,
        "p50 (ms)": 10,
        "p99 (ms)": 20,
        "p50, one client (ms)": 3,
        "requests that failed ()": 1,
    }

    assert judged(1, values) == [True, True, True, False]


def test_a_report_has_every_round_and_names_its_misses(capsys):
    figure = Figure(1, "Speed", None, 10, 1, lambda of: [Target("speed", of["ours (/s)"], at_least=5)])

    report = bench._report(figure, [{"ours (/s)": 4.0}], {"ours (/s)": 4.0}, took=12.3)

    assert "MISSED: speed: 4 (at least 5)" in capsys.readouterr().out
    assert json.loads(json.dumps(report))["targets"] == [{"text": "MISSED: speed: 4 (at least 5)", "met": False}]
    assert report["rounds"] == [{"ours (/s)": 4.0}]


def test_a_server_that_is_not_there_ends_it_with_one_sentence():
    environment = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none", "PATH": "/usr/bin:/bin"}
    program = "import bench.__main__ as b, sys; b._refusals = lambda *a: []; sys.exit(b.main())"

    done = subprocess.run([sys.executable, "-c", program], env=environment, cwd=ROOT, capture_output=True, text=True)

    assert done.returncode == 2
    assert done.stderr.startswith("Error: ") and "Traceback" not in done.stderr


def test_memory_that_grows_is_a_miss_however_small_it_is():
    values = {"ours, after the first part (MB)": 80.0, "ours, after the last (MB)": 85.0}

    assert judged(7, values) == [True, False]


def test_pgbench_is_given_the_statements_of_the_product():
    assert {name for name, statement in inside.sql().items() if "plumbers" in str(statement)} == {"assign"}
