"""JSON parser (RFC 8259) with limits on the number of values, depth and number range.

It refuses NaN, lone surrogates and numbers beyond 64 bits, which could not be encoded again.
Excessive shapes are refused before parsing, so that the cost grows only with the body's size.
"""

import re
from itertools import accumulate
from typing import Any

import msgspec

MAX_DEPTH = 64
MAX_VALUES = 32_768
"""Twice the values of a session with 1000 participants, each in a group of its own."""
_RANGE = range(-(2**63), 2**64)
_MAX_DIGITS = 100
_MAX_LONG_NUMBERS = 2_000
"""More than the application's own objects in a valid body can contain; each is checked singly."""

_DIGITS = bytes.maketrans(b"0123456789", b"0" * 10)
_LONG_NUMBER = b"0" * 19
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_TOO_LONG_NUMBER = b"0" * _MAX_DIGITS
_INTEGER = re.compile(rb"(?<![\d.eE+-])-?\d{19,}+(?![.eE])")
_STEPS = bytes.maketrans(b"[{]}", b"\x01\x01\xff\xff")
_NO_BRACKETS = bytes(set(range(256)) - set(b"[{]}"))

_MALFORMED = "must be valid JSON"
_TOO_DEEP = f"cannot be nested deeper than {MAX_DEPTH}"
_TOO_MANY = f"cannot contain more than {MAX_VALUES} values"
_TOO_BIG = "cannot contain numbers that exceed 64 bits"
_TOO_MANY_LONG = f"cannot contain more than {_MAX_LONG_NUMBERS} numbers of 19 digits or more"


def parse_json(content: bytes | str) -> Any:
    """Return the value that `content` encodes.

    Raises `ValueError` with a message for the caller, which quotes nothing from `content`.
    """
    _check_shape(content if isinstance(content, bytes) else content.encode())
    try:
        return msgspec.json.decode(content)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(_TOO_BIG if "out of range" in str(error) else _MALFORMED) from error


def _check_shape(content: bytes) -> None:
    """Raise `ValueError` if the limits are exceeded.

    A quick count, which includes strings, avoids the exact check for most bodies.
    """
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
    if _TOO_LONG_NUMBER in digits:
        raise ValueError(_TOO_BIG)
    if digits.count(_LONG_NUMBER) > _MAX_LONG_NUMBERS:
        raise ValueError(_TOO_MANY_LONG)
    if any(int(n) not in _RANGE for n in _INTEGER.findall(bare)):
        raise ValueError(_TOO_BIG)


def _depth(bare: bytes) -> int:
    """Return the nesting depth of JSON from which strings were removed."""
    steps = memoryview(bare.translate(_STEPS, _NO_BRACKETS)).cast("b")
    return max(accumulate(steps), default=0)
