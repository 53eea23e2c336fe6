"""Target of the HTTP tests: `TARGET=container` (the default) or `TARGET=functions`."""

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
    """Return some pairs, with each row and column at least once; all with `FUZZ=full`."""
    if IS_FULL:
        return list(product(rows, columns))
    first, second = list(rows), list(columns)
    length = max(len(first), len(second))
    return [(first[n % len(first)], second[n % len(second)]) for n in range(length)]


_WARM = ("create", "start", "switch", "read")


@contextmanager
def running_service(
    redis_url: str, *, warm: Sequence[str] = _WARM, **settings: str
) -> Iterator[str]:
    """Run a service of the target's kind on `redis_url` and yield its URL.

    Functions in `warm` are started in advance, others by their first request.
    """
    with ExitStack() as stack:
        if IS_FUNCTIONS:
            upstash = stack.enter_context(local_upstash(redis_url))
            settings["UPSTASH_REDIS_REST_URL"] = upstash.url
            settings["UPSTASH_REDIS_REST_TOKEN"] = upstash.token
            yield stack.enter_context(running_functions(settings, LocalRunOptions(warm=warm))).url
        else:
            yield stack.enter_context(running(redis_url, port=None, quiet=False, **settings)).url
