"""Imported last by the server of dev/forked.py: no garbage collection looks through what it has imported again."""

import gc

gc.freeze()
