"""The job on dramatiq: the actor that its workers import; run as a module, it enqueues what is due."""

import os

import dramatiq
from dramatiq.brokers.redis import RedisBroker

from bench import job
from bench.enqueue import all_due

dramatiq.set_broker(RedisBroker(url=os.environ["REDIS_URL"]))


@dramatiq.actor(max_retries=0, actor_name="notify", queue_name="bench_dramatiq")
def notify(lead_id: int) -> None:
    job.deliver(lead_id)


if __name__ == "__main__":
    all_due(notify.send)
