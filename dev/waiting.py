import time
from collections.abc import Callable


def wait_for(condition: Callable[[], object], seconds: float, what: str = "what was waited for") -> object:
    """What `condition` returns as soon as that is true. Raises TimeoutError after so many seconds."""
    end = time.monotonic() + seconds
    while not (result := condition()):
        if time.monotonic() > end:
            raise TimeoutError(f"not within {seconds:g} s: {what}")
        time.sleep(0.05)
    return result
