"""The job on huey."""

import os

from huey import RedisHuey

from bench import job

huey = RedisHuey("bench_huey", url=os.environ["REDIS_URL"], results=False)


@huey.task()
def enqueue(lead_id: int) -> None:
    """Called, it enqueues; run by huey, it delivers."""
    job.deliver(lead_id)
