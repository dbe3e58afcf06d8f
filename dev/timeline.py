import sys
import time


class Timeline:
    """Says what happens as it happens, with the seconds since the start."""

    def __init__(self) -> None:
        self._start = time.monotonic()
        for stream in (sys.stdout, sys.stderr):
            stream.reconfigure(errors="replace")  # a question mark for what the terminal cannot show

    def say(self, text: str) -> None:
        print(f"{time.monotonic() - self._start:6.1f} s  {text}", flush=True)
