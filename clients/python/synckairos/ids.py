"""Comparison of ids."""

import re

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def is_same_id(one: str, other: str) -> bool:
    """Return whether two ids are the same: UUIDs in any case, other ids only if they are equal."""
    return one == other or (one.lower() == other.lower() and bool(_UUID.fullmatch(one)))
