"""Read by every Python that is started under a false clock: what libfaketime spoils there is put right.

Since 3.11 ``time.sleep`` waits until an instant of the monotonic clock, from which libfaketime 0.9.10 takes the
difference of the other clock, so that the call is refused (EINVAL).
"""

from __future__ import annotations

import select
import time


def sleep(seconds: float, /) -> None:
    """Wait for a while, by a call that knows no instants."""
    if seconds < 0:
        raise ValueError("sleep length must be non-negative")
    select.select((), (), (), seconds)


time.sleep = sleep
