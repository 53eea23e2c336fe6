"""JSON as RFC 8259 has it, and of a bounded shape: nothing that we couldn't write again.

No NaN, no lone surrogates, no numbers beyond 64 bits; what is too much is refused before it is
read, so that no body costs more than its size would tell.
"""

import re
from itertools import accumulate
from typing import Any

import msgspec

MAX_DEPTH = 64
MAX_VALUES = 32_768
"""Twice what a session of 1000 participants in groups of their own is made of."""
_RANGE = range(-(2**63), 2**64)
_MOST_DIGITS = 100
_MOST_LONG_NUMBERS = 2_000
"""More than fit into what a body may hold of the application's own; each is looked at by itself."""

_DIGITS = bytes.maketrans(b"0123456789", b"0" * 10)
_LONG_NUMBER = b"0" * 19
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_ENDLESS_NUMBER = b"0" * _MOST_DIGITS
_INTEGER = re.compile(rb"(?<![\d.eE+-])-?\d{19,}+(?![.eE])")
_STEPS = bytes.maketrans(b"[{]}", b"\x01\x01\xff\xff")
_NO_BRACKETS = bytes(set(range(256)) - set(b"[{]}"))

_MALFORMED = "must be valid JSON"
_TOO_DEEP = f"cannot be nested deeper than {MAX_DEPTH}"
_TOO_MANY = f"cannot hold more than {MAX_VALUES} values"
_TOO_BIG = "cannot hold numbers beyond 64 bits"
_TOO_MANY_LONG = f"cannot hold more than {_MOST_LONG_NUMBERS} numbers of 19 digits or more"


def parse(content: bytes | str) -> Any:
    """The value that `content` holds. Raises `ValueError`, which says what is wrong in words that
    repeat nothing of it."""
    _check_shape(content if isinstance(content, bytes) else content.encode())
    try:
        return msgspec.json.decode(content)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(_TOO_BIG if "out of range" in str(error) else _MALFORMED) from error


def _check_shape(content: bytes) -> None:
    """Look closer only at what has enough of anything to be too much, be it within strings."""
    brackets = content.count(b"[") + content.count(b"{")
    is_flat = brackets <= MAX_DEPTH and content.count(b",") <= MAX_VALUES - MAX_DEPTH
    if is_flat and _LONG_NUMBER not in content.translate(_DIGITS):
        return
    bare = _STRING.sub(b"", content)
    if sum(map(bare.count, (b"[", b"{", b","))) > MAX_VALUES:
        raise ValueError(_TOO_MANY)
    if _depth(bare) > MAX_DEPTH:
        raise ValueError(_TOO_DEEP)
    digits = bare.translate(_DIGITS)
    if _LONG_NUMBER not in digits:
        return
    if _ENDLESS_NUMBER in digits:
        raise ValueError(_TOO_BIG)
    if digits.count(_LONG_NUMBER) > _MOST_LONG_NUMBERS:
        raise ValueError(_TOO_MANY_LONG)
    if any(int(n) not in _RANGE for n in _INTEGER.findall(bare)):
        raise ValueError(_TOO_BIG)


def _depth(bare: bytes) -> int:
    """How deep the brackets go of JSON without its strings."""
    steps = memoryview(bare.translate(_STEPS, _NO_BRACKETS)).cast("b")
    return max(accumulate(steps), default=0)
