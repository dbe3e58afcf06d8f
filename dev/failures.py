import errno
import os
import subprocess

import psycopg2

from dev.bootstrap import explain
from dev.folders import InUse
from dev.process import NotStarted

# What may go wrong with servers, files and answers (requests' exceptions are OSErrors). Anything else is a bug.
FAILURES = (NotStarted, InUse, OSError, ValueError, psycopg2.Error, subprocess.TimeoutExpired)


def sentence(exc: Exception) -> str:
    """What is wrong and the remedy where we know one; else what the part that failed said."""
    full = os.strerror(errno.ENOSPC)
    if full in str(exc):
        return explain(OSError(errno.ENOSPC, full))
    if isinstance(exc, OSError) and exc.errno:
        return explain(exc)
    return str(exc)
