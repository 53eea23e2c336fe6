"""Entity tags: a session's version in quotes (RFC 9110 §8.8.3, §13.1)."""

import re
from collections.abc import Sequence

_TAG = r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"'
_LIST = re.compile(rf"(?:{_TAG})?+(?:[ \t]*+,[ \t]*+(?:{_TAG})?+)*+")
_TAGS = re.compile(_TAG)
_ANY = "*"


def etag(version: int) -> str:
    """The tag of a version."""
    return f'"{version}"'


def tags_in(fields: Sequence[str]) -> frozenset[str] | None:
    """The strong tags in the `If-Match` header fields of a request, unquoted.

    None where the request sets no condition: it has no such field, or the field is `*`, which any
    existing session matches. A weak tag never matches (strong comparison, RFC 9110 §13.1.1), and
    a malformed field matches no version.
    """
    listed = _listed(fields)
    if not fields or listed == [_ANY]:
        return None
    return frozenset(tag[1:-1] for tag in listed if tag.startswith('"'))


def is_known(fields: Sequence[str], version: int) -> bool:
    """Whether the `If-None-Match` header fields of a request list the tag of `version`.

    `*` matches every version, and a weak tag matches as well (weak comparison, RFC 9110 §13.1.2).
    """
    if not fields:
        return False
    listed = _listed(fields)
    return listed == [_ANY] or etag(version) in {tag.removeprefix("W/") for tag in listed}


def _listed(fields: Sequence[str]) -> list[str]:
    """The tags in header fields of one name, or `*` alone; none where the fields are malformed."""
    value = ",".join(fields).strip()
    if value == _ANY:
        return [_ANY]
    return _TAGS.findall(value) if _LIST.fullmatch(value) else []
