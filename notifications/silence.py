import select
import time

import psycopg2
import psycopg2.extensions

SILENCE = 7  # seconds; the server itself ends a statement after 5


def bound_every_query() -> None:
    """From now on, no query of this process waits longer than SILENCE for PostgreSQL: OperationalError instead.

    statement_timeout is the server's; a connection that fell silent on the way never hears of it, and as long as
    something acknowledges its packets, no keepalive ends it. (Not for migrate: a large table takes its time.)
    """
    psycopg2.extensions.set_wait_callback(_wait)


def _wait(connecting: psycopg2.extensions.connection) -> None:
    give_up_at = time.monotonic() + SILENCE
    poll = select.poll()
    while (state := connecting.poll()) != psycopg2.extensions.POLL_OK:
        wanted = select.POLLIN if state == psycopg2.extensions.POLL_READ else select.POLLOUT
        poll.register(connecting.fileno(), wanted)
        if not poll.poll(max(0, give_up_at - time.monotonic()) * 1000):
            raise psycopg2.OperationalError(f"PostgreSQL has been silent for {SILENCE} s")
        poll.unregister(connecting.fileno())
