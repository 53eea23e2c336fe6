"""The service on a machine whose wall clock is off by `SKEW_S` seconds.

Every way of asking Python for the time of day is shifted before the service is imported.
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
        """Now, by the skewed clock."""
        return super().now(tz) + timedelta(seconds=_SKEW_S)

    @classmethod
    def utcnow(cls) -> "_SkewedDatetime":
        """Now, by the skewed clock."""
        return super().utcnow() + timedelta(seconds=_SKEW_S)


time.time = lambda: _true_time() + _SKEW_S
time.time_ns = lambda: int(time.time() * 1e9)
datetime_module.datetime = _SkewedDatetime  # type: ignore[misc] # the point of this module

from functions import server  # noqa: E402 # because the clock must be skewed before

if __name__ == "__main__":
    server.main()
