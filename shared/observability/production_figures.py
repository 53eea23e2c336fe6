"""Metrics of production only: nothing that concerns test sessions is recorded."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

from shared.application.test_traffic import is_test_traffic

P = ParamSpec("P")


def production_only(record: Callable[P, None]) -> Callable[P, None]:
    """Make a method of `Metrics` record nothing while the work concerns test sessions only.

    Metrics of the instance itself, of the store and of the outbox are for all work alike.
    """

    @wraps(record)
    def record_in_production(*args: P.args, **kwargs: P.kwargs) -> None:
        if not is_test_traffic():
            record(*args, **kwargs)

    return record_in_production
