"""Immutable values. A switch makes about thirty of them, so they are msgspec's structs.

Compared with dataclasses, making, copying, encoding and decoding them takes a third of the time or
less, and a field that has its default is left out of the encoded form.
"""

from collections.abc import Callable
from functools import wraps
from typing import Generic, Self, TypeVar, overload

from msgspec import Struct
from msgspec.structs import replace as replace

V = TypeVar("V")
W = TypeVar("W")
R = TypeVar("R")


class Value(Struct, frozen=True, omit_defaults=True, gc=False):
    """Base of immutable values with equality by content.

    The garbage collector leaves them out: an immutable value refers to older ones only, so it is
    never part of a cycle. A value that refers to an object which may refer to it, such as an
    exception with its frames, needs `gc=True`.
    """


def remembered(calculate: Callable[[V], R]) -> Callable[[V], R]:
    """Make a function of one value calculate its result once, and keep it in that value.

    A value never changes, so the result stays the same. It is no field: a copy doesn't have it, and
    neither comparisons nor the encoded form contain it. The class of the value needs `dict=True`.
    """
    name = f"{calculate.__module__}.{calculate.__qualname__}"

    @wraps(calculate)
    def result_of(value: V) -> R:
        results: dict[str, R] = value.__dict__
        if name not in results:
            results[name] = calculate(value)
        return results[name]

    return result_of


class remembered_property(Generic[V, R]):  # noqa: N801 # used like a function, as `property` is
    """A property that calculates its result once for each value, as `remembered` does.

    Unlike `functools.cached_property` it takes no lock. Later reads find the result among the
    value's attributes, without a call.
    """

    def __init__(self, calculate: Callable[[V], R]) -> None:
        self._calculate = calculate
        self._name = calculate.__name__
        self.__doc__ = calculate.__doc__

    @overload
    def __get__(self, value: None, kind: type[V]) -> Self: ...

    @overload
    def __get__(self, value: V, kind: type[V] | None = None) -> R: ...

    def __get__(self, value: V | None, kind: type[V] | None = None) -> Self | R:
        if value is None:
            return self
        result = value.__dict__[self._name] = self._calculate(value)
        return result


def remembered_for_two(calculate: Callable[[V, W], R]) -> Callable[[V, W], R]:
    """Make a function of two values keep its last result.

    Values are compared by identity, because a comparison of large values would take as long as most
    calculations.
    """
    last: tuple[V, W, R] | None = None

    @wraps(calculate)
    def result_of(one: V, other: W) -> R:
        nonlocal last
        if last is None or last[0] is not one or last[1] is not other:
            last = one, other, calculate(one, other)
        return last[2]

    return result_of


__all__ = ["Value", "remembered", "remembered_for_two", "remembered_property", "replace"]
