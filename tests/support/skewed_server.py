"""Runs the service with a wall clock that is off by `SKEW_S` seconds.

All of Python's wall-clock functions that the service uses are shifted before it is imported.
"""

import datetime as datetime_module
import os
import time
from datetime import datetime, timedelta, tzinfo

_SKEW_S = float(os.environ["SKEW_S"])
_true_time = time.time


class _SkewedDatetime(datetime):
    @classmethod
    def now(cls, tz: tzinfo | None = None) -> "_SkewedDatetime":
        return super().now(tz) + timedelta(seconds=_SKEW_S)

    @classmethod
    def utcnow(cls) -> "_SkewedDatetime":
        return super().utcnow() + timedelta(seconds=_SKEW_S)


time.time = lambda: _true_time() + _SKEW_S
time.time_ns = lambda: int(time.time() * 1e9)
datetime_module.datetime = _SkewedDatetime  # type: ignore[misc] # the point of this module

from functions import server  # noqa: E402 # the clock must be skewed first

if __name__ == "__main__":
    server.main()
