"""What the suite of HTTP tests runs against: `TARGET=container`, the default, or `functions`."""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import product
from typing import TypeVar

from infra.local.functions import LocalRunOptions, running_functions
from infra.local.instance import running
from infra.local.upstash import local_upstash
from tests.fuzz.extent import IS_FULL

R = TypeVar("R")
C = TypeVar("C")

IS_FUNCTIONS = os.environ.get("TARGET", "container") == "functions"


def pairs(rows: Iterable[R], columns: Iterable[C]) -> list[tuple[R, C]]:
    """All pairs of both; against the functions fewer: each row and each column at least once.

    The container proves every pair. The functions run the same code and take far longer for an
    answer. `FUZZ=full` makes them prove every pair, too.
    """
    if IS_FULL or not IS_FUNCTIONS:
        return list(product(rows, columns))
    one, other = list(rows), list(columns)
    length = max(len(one), len(other))
    return [(one[n % len(one)], other[n % len(other)]) for n in range(length)]


_WARM = ("create", "start", "switch", "read")


@contextmanager
def running_service(
    redis_url: str, *, warm: Sequence[str] = _WARM, **settings: str
) -> Iterator[str]:
    """The url of a service on `redis_url`, of the kind that is under test.

    Of the functions, `warm` ones are started beforehand and others by the first request.
    """
    with ExitStack() as stack:
        if IS_FUNCTIONS:
            upstash = stack.enter_context(local_upstash(redis_url))
            settings["UPSTASH_REDIS_REST_URL"] = upstash.url
            settings["UPSTASH_REDIS_REST_TOKEN"] = upstash.token
            yield stack.enter_context(running_functions(settings, LocalRunOptions(warm=warm))).url
        else:
            yield stack.enter_context(running(redis_url, port=None, quiet=False, **settings)).url
