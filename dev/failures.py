import errno
import os
import subprocess

import psycopg2

from dev.folders import CACHE, InUse
from dev.process import NotStarted

# What may go wrong with servers, files and answers (requests' exceptions are OSErrors). Anything else is a bug.
FAILURES = (NotStarted, InUse, OSError, ValueError, psycopg2.Error, subprocess.TimeoutExpired)


def sentence(exc: Exception) -> str:
    """What is wrong and the remedy where we know one; else what the part that failed said."""
    number = getattr(exc, "errno", None)
    if number in (errno.ENOSPC, errno.EDQUOT) or os.strerror(errno.ENOSPC) in str(exc):
        return f"the disk is full: free about 500 MB where {CACHE} is, then try again."
    if number in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"{CACHE} is not writable for you: give yourself the right to it, or work in a copy of your own."
    return str(exc)
