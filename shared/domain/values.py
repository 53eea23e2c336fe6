"""Immutable values. A switch makes about thirty of them, so they are msgspec's structs.

Compared with dataclasses, making, copying, encoding and decoding them takes a third of the time or
less, and a field that has its default is left out of the encoded form.
"""

from collections.abc import Callable
from functools import wraps
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace as replace

V = TypeVar("V")
W = TypeVar("W")
R = TypeVar("R")


class Value(Struct, frozen=True, omit_defaults=True):
    """Base of immutable values with equality by content."""


def remembered(calculate: Callable[[V], R]) -> Callable[[V], R]:
    """Make a function of one value keep its last four results.

    A value never changes, so the result for the same object is the same. Objects are compared by
    identity, because a comparison or hash of a large value would take as long as most calculations.
    """
    results: tuple[tuple[V, R], ...] = ()

    @wraps(calculate)
    def result_of(value: V) -> R:
        nonlocal results
        for known, result in results:
            if known is value:
                return result
        result = calculate(value)
        results = ((value, result), *results[:3])
        return result

    return result_of


def remembered_for_two(calculate: Callable[[V, W], R]) -> Callable[[V, W], R]:
    """Make a function of two values keep its last result, as `remembered` does."""
    last: tuple[V, W, R] | None = None

    @wraps(calculate)
    def result_of(one: V, other: W) -> R:
        nonlocal last
        if last is None or last[0] is not one or last[1] is not other:
            last = one, other, calculate(one, other)
        return last[2]

    return result_of


__all__ = ["Value", "remembered", "remembered_for_two", "replace"]
