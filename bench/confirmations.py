"""Figure 1: confirmations through gunicorn, beside what PostgreSQL and Django could do.

No worker runs: on two cores it would take its share from gunicorn, and pgbench would have no such rival.
"""

import contextlib
import json
import re
import subprocess

from psycopg2.extensions import AsIs

from bench import load
from bench.figure import Samples
from bench.world import World
from dev.folders import ROOT
from dev.postgresql import program

CLIENTS = 16
PLUMBERS = 50


def measure(world: World, rounds: int, count: int) -> list[Samples]:
    """Each round confirms `count` leads with each of them."""
    with contextlib.ExitStack() as servers:
        ours, unpublished, empty = (
            servers.enter_context(world.web(name)) for name in ("plumbing.wsgi", "bench.unpublished", "bench.empty")
        )
        world.empty()
        world.add_plumbers(PLUMBERS)
        for port in (ours, unpublished, empty):
            confirm(world, port, 100)
        return [_round(world, count, ours, unpublished, empty) for _ in range(rounds)]


def _round(world: World, count: int, ours: int, unpublished: int, empty: int) -> Samples:
    sixteen, alone = confirm(world, ours, count), confirm(world, ours, count // 5, clients=1)
    nothing = confirm(world, empty, count)
    return {
        "confirmations (/s)": sixteen.rate,
        "without the publish (/s)": confirm(world, unpublished, count).rate,
        "pgbench, same SQL (/s)": pgbench(world, count),
        "a view that does nothing (/s)": nothing.rate,
        "p50 (ms)": sixteen.quantile(0.5),
        "p95 (ms)": sixteen.quantile(0.95),
        "p99 (ms)": sixteen.quantile(0.99),
        "p50, a view that does nothing (ms)": nothing.quantile(0.5),
        "p50, one client (ms)": alone.quantile(0.5),
        "p50, one client, a view that does nothing (ms)": confirm(world, empty, count // 5, clients=1).quantile(0.5),
        "requests that failed ()": len(sixteen.failures) + len(alone.failures),
    }


def confirm(world: World, port: int, count: int, *, clients: int = CLIENTS) -> load.Load:
    requests = [load.post(f"/confirm/{token}/") for token in world.add_requests(count)]
    return load.closed_loop(port, requests, clients=clients)


def pgbench(world: World, count: int) -> float:
    """Transactions per second of the statements that a confirmation executes, with the same locks."""
    each = count // CLIENTS
    prefix = world.add_requests(each * CLIENTS)[0].removesuffix("0")
    script = world.folder / "confirm.sql"
    script.write_text(_script(world, prefix, each))
    command = [program("pgbench"), "-n", "-c", str(CLIENTS), "-j", "2", "-t", str(each), "-D", "i=-1"]
    done = subprocess.run(
        [*command, "-f", str(script), world.database], capture_output=True, text=True, cwd=ROOT, timeout=120, check=True
    )
    return float(re.search(r"tps = ([\d.]+)", done.stdout)[1])


def _script(world: World, prefix: str, each: int) -> str:
    sql = json.loads(world.python("-m", "bench.inside", "sql"))
    read = sql["read"].replace("SELECT clock_timestamp(), ", "SELECT id AS lead_id, ", 1)
    values = {"lead_id": AsIs(":lead_id"), "places": sql["places"], "requested_by": "confirmation", "reason": ""}
    values |= {"requested_at": AsIs("clock_timestamp()"), "confirmed_at": AsIs("clock_timestamp()")}
    return "\n".join(
        [
            r"\set i :i + 1",
            rf"\set n :client_id * {each} + :i",
            "BEGIN;",
            read.replace("%s", f"'{prefix}' || :n") + r" \gset",
            world.mogrify(sql["assign"], values).strip().replace(";", r" \;") + ";",  # in one message, as ours
            "COMMIT;",
        ]
    )
