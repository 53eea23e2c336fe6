"""Ids of participants and groups, which applications choose."""

import re

UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
MAX_ID_LENGTH = 64

_CONTROL = r"\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff"
"""Control characters, line and paragraph separators, and halves of surrogate pairs."""
_UNPRINTABLE = re.compile(f"[{_CONTROL}]")


def normalized_id(value: str) -> str | None:
    """Return the id as it is stored and compared, or None if it is no id.

    A UUID is stored in lower case, any other id as it is. An id has 1 to 64 printable characters
    (code points), and neither begins nor ends with a space.
    """
    if UUID.fullmatch(value):
        return value.lower()
    is_id = 0 < len(value) <= MAX_ID_LENGTH and value == value.strip() and is_printable(value)
    return value if is_id else None


def is_printable(text: str) -> bool:
    """Whether the text has no control characters, line separators or lone surrogates."""
    return _UNPRINTABLE.search(text) is None
