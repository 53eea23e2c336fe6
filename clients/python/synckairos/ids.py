"""Comparison of ids, and ids in paths."""

import re
from urllib.parse import quote

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def is_same_id(one: str, other: str) -> bool:
    """Return whether two ids are the same: UUIDs in any case, other ids only if they are equal."""
    return one == other or (one.lower() == other.lower() and bool(_UUID.fullmatch(one)))


def session_path(session_id: str) -> str:
    """Return the path of a session. Raises `ValueError` like `path_segment`."""
    return f"/v1/sessions/{path_segment(session_id)}"


def path_segment(one: str) -> str:
    """Return an id as a segment of a path.

    Raises `ValueError` for an empty id, `.` and `..`: URLs resolve such segments, so that the
    request would concern something else.
    """
    if one in ("", ".", ".."):
        raise ValueError(f"An id in a path can't be {one!r}")
    return quote(one, safe="")
