"""Finds misspelt keys in objects that may have keys of the application's own."""

from collections.abc import Mapping
from itertools import takewhile

from pydantic_core import PydanticCustomError


def check_spelling(given: Mapping[str, object], known: str) -> None:
    """Check that no key was meant to be `known`; if `given` has that key too, all are allowed.

    A key is misspelt if it differs in case or separators, or by one letter that is missing, added,
    wrong, or exchanged with the next one. Raises `PydanticCustomError`.
    """
    if known in given:
        return
    for key in given:
        if abs(len(key) - len(known)) <= 2 and _is_one_slip(_letters(key), _letters(known)):
            raise PydanticCustomError("unknown_field", f"has the key {key}: did you mean {known}?")


def _letters(key: str) -> str:
    return key.lower().replace("_", "").replace("-", "")


def _is_one_slip(first: str, second: str) -> bool:
    """Return whether the texts differ at one place at most, by one letter or two exchanged ones."""
    start = _common(first, second)
    first, second = first[start:], second[start:]
    end = _common(first[::-1], second[::-1])
    first, second = first[: len(first) - end], second[: len(second) - end]
    is_exchange = len(first) == 2 and first == second[::-1]
    return is_exchange or max(len(first), len(second)) <= 1


def _common(first: str, second: str) -> int:
    """Return how many letters both texts begin with."""
    pairs = zip(first, second, strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
