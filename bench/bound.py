"""The job with nothing around it: `python -m bench.bound C` drains what is due, C at a time, in one asyncio loop."""

import asyncio
import base64
import os
import sys
import uuid
from urllib.parse import urlencode, urlsplit

import asyncpg

from bench import job, load


async def drain(at_once: int) -> None:
    left = iter(job.due())
    async with asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=at_once, max_size=at_once) as pool:

        async def worker() -> None:
            provider = load.Connection(urlsplit(os.environ["TWILIO_API_URL"]).port)
            async with pool.acquire() as database:
                for lead_id, _ in left:
                    await _deliver(database, provider, lead_id)

        await asyncio.gather(*(worker() for _ in range(at_once)))


async def _deliver(database: asyncpg.Connection, provider: load.Connection, lead_id: int) -> None:
    attempt = uuid.uuid4()
    recipient = await database.fetchval(job.CLAIM.format("$1", "$2::uuid"), lead_id, attempt)
    body = urlencode(job.form(recipient, attempt)).encode()
    secret = f"{os.environ['TWILIO_ACCOUNT_SID']}:{os.environ['TWILIO_AUTH_TOKEN']}"
    headers = "Content-Type: application/x-www-form-urlencoded\r\n"
    headers += f"Authorization: Basic {base64.b64encode(secret.encode()).decode()}\r\n"
    await provider.ask(load.post(urlsplit(job.URL.format(**os.environ)).path, body, headers))
    await database.execute(job.RECORD.format("$1", "$2::uuid"), f"SM{attempt.hex}", attempt)


if __name__ == "__main__":
    asyncio.run(drain(int(sys.argv[1])))
