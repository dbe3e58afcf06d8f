"""The job on dramatiq."""

import os

import dramatiq
from dramatiq.brokers.redis import RedisBroker

from bench import job

dramatiq.set_broker(RedisBroker(url=os.environ["REDIS_URL"]))


@dramatiq.actor(max_retries=0, actor_name="notify", queue_name="bench_dramatiq")
def notify(lead_id: int) -> None:
    job.deliver(lead_id)


enqueue = notify.send
