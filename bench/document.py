"""`make bench-docs`: docs/performance.md with its charts, and the table of docs/scaling.md, from the last `make bench`.

Runs where matplotlib is, beside the peers. What the file says is what the bench measured: nothing is left out.
"""

import json
import sys
from pathlib import Path

import matplotlib

from bench import capacity
from bench.figure import table

matplotlib.use("Agg")
from matplotlib import pyplot  # noqa: E402

INTRODUCTION = """# Performance

Written by `make bench-docs` from the last `make bench` on: {machine}

Each figure stands beside its references, which ran in the same minutes: interleaved, {rounds} round(s), medians.
Everything shares one machine (clients, provider, servers and the product), so ratios say more than numbers. The
provider answers as Twilio does after the delay given.

How it is measured, where that is not obvious:

- Packs end at 30 leads; the bench's own database drops `plumbers_pack_size_known`, so that one plumber lasts a round.
- Confirmations run without a worker: on two cores it would take its share from gunicorn and not from pgbench.
- A drain's rate is what the rows say, for us and the peers alike: n / (last `finished_at` − first `started_at`).
- The peers and the bound run the least that the job takes (`bench/job.py`): one statement to claim, one request, one
  statement to record; no deadline, no second attempt, no log line.
- Late failures that a webhook reports at one instant are not measured here: figure 5 has all first attempts begin at
  one instant instead.
- Second attempts and memory (figures 5 and 7) are measured by `make bench-rows`, memory in one round, and so are the
  operators' pages (figure 8).

{verdict}
"""

# From profiles (py-spy, --gil) of the same code on the same machine; written by hand.
IN_THE_WAY = """
## What stands in the way

Profiles of 25 November 2026, on the machine of the figures above; a view that does nothing takes twice as long on it as
on the machine that the targets come from.

- **A drain.** Celery's own loop takes 4.5 ms of the worker's processor for each message, before and after ours: two
  transactions in Redis (one to note the message as taken, one to acknowledge it), a new Redis client for each of them,
  the request and the tracer. A worker whose task did nothing would do 220/s. So a worker that is behind goes on without
  messages (`notifications/overdue.py`): 89/s became 153/s. What a notification then costs, 4 to 5 ms, is half the
  call to the provider (`requests` builds it, `urllib3` sends it), half three statements, the text and a log line;
  PostgreSQL takes 4.5 ms beside it, on the other processor. To keep Redis' client would give 7 %, `hiredis` 3 %: tried,
  not kept. Two workers are no faster than one here: together they and PostgreSQL have two processors, and both look at
  the same oldest leads.
- **From the enqueue to the request.** The same loop, cold: Celery wakes up, notes the message as taken, hands it to a
  thread; then one statement reads and one claims, and the claim waits for the disk. The least that a task does leaves
  out the first statement and Celery.
- **One confirmation**: 10 ms of the web process. A quarter is the assignment, 30 % the publish (Celery builds the
  message, and a thread bounds the wait for Redis), 16 % the page, the rest gunicorn, 20 middlewares and the check that
  the connection still lives. To publish after the answer would take the customer's wait for it away; but then the lead
  waits for the sweeper whenever the process ends in between.
- **One receipt**: 7 ms of the web process, 12 to 16 before its statements were written as SQL; nine statements, and
  the last waits for the disk.
"""


def write(results: dict, docs: Path) -> None:
    """`results` as `make bench` wrote them."""
    missed = [target["text"] for figure in results["figures"] for target in figure["targets"] if not target["met"]]
    verdict = f"**{len(missed)} target(s) missed**, named below." if missed else "All targets met."
    if results["quick"]:
        verdict = f"**A smoke run: it judges nothing.** {verdict}"
    rounds = len(results["figures"][0]["rounds"])
    text = INTRODUCTION.format(machine=results["machine"], rounds=rounds, verdict=verdict)
    for figure in results["figures"]:
        text += f"\n## {figure['number']}. {figure['title']}\n\n{table(figure['medians'])}\n\n"
        text += "".join(f"- {target['text']}\n" for target in figure["targets"])
        if chart(figure, docs / f"performance-{figure['number']}.png"):
            text += f"\n![{figure['title']}](performance-{figure['number']}.png)\n"
    (docs / "performance.md").write_text(text + IN_THE_WAY)
    medians = {figure["number"]: figure["medians"] for figure in results["figures"]}
    if {1, 3, 9} <= medians.keys():
        _write_capacity(docs / "scaling.md", capacity.table(capacity.Costs.measured(medians)))


def _write_capacity(path: Path, table: str) -> None:
    before, rest = path.read_text().split("<!-- capacity -->")
    path.write_text(f"{before}<!-- capacity -->\n{table}\n<!-- /capacity -->" + rest.split("<!-- /capacity -->")[1])


def chart(figure: dict, path: Path) -> bool:
    """A bar for each median of the figure's first unit; False if there is nothing to compare."""
    unit = next(iter(figure["medians"])).rpartition("(")[2]
    bars = {name.rpartition(" (")[0]: value for name, value in figure["medians"].items() if name.endswith(f"({unit}")}
    if len(bars) < 2 or unit == ")":
        return False
    picture, axes = pyplot.subplots(figsize=(8, 0.6 + 0.4 * len(bars)), layout="constrained")
    axes.bar_label(axes.barh(list(bars), list(bars.values())), fmt="{:.4g}", padding=3)
    axes.invert_yaxis()
    axes.set(title=figure["title"], xlabel=unit.rstrip(")").replace("/s", "per second"))
    axes.margins(x=0.12)
    picture.savefig(path, dpi=110)
    pyplot.close(picture)
    return True


if __name__ == "__main__":
    results, *more = (json.loads(Path(name).read_text()) for name in sys.argv[1:])
    results["figures"] += [figure for others in more for figure in others["figures"]]
    results["quick"] |= any(others["quick"] for others in more)
    results["figures"].sort(key=lambda figure: figure["number"])
    write(results, Path("docs"))
