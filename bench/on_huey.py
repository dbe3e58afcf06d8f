"""The job on huey: the task that its consumer imports; run as a module, it enqueues what is due."""

import os

from huey import RedisHuey

from bench import job
from bench.enqueue import all_due

huey = RedisHuey("bench_huey", url=os.environ["REDIS_URL"], results=False)


@huey.task(name="notify")
def notify(lead_id: int) -> None:
    job.deliver(lead_id)


if __name__ == "__main__":
    all_due(notify)
