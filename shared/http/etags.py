"""Entity tags: a session's version in quotes (RFC 9110 sections 8.8.3 and 13.1)."""

import re
from collections.abc import Sequence

_TAG = r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"'
_LIST = re.compile(rf"(?:{_TAG})?+(?:[ \t]*+,[ \t]*+(?:{_TAG})?+)*+")
_TAGS = re.compile(_TAG)
_ANY = "*"


def etag(version: int) -> str:
    """Return the entity tag of a version."""
    return f'"{version}"'


def if_match_tags(fields: Sequence[str]) -> frozenset[str] | None:
    """Return the strong tags in the `If-Match` header fields of a request, unquoted.

    Returns None if there is no condition: without such a field, or for `*`, which any existing
    session matches. A weak tag never matches (strong comparison, RFC 9110 section 13.1.1), and a
    malformed field matches no version.
    """
    if not fields:
        return None
    tags = _parse(fields)
    if tags == [_ANY]:
        return None
    return frozenset(tag[1:-1] for tag in tags if tag.startswith('"'))


def matches_if_none_match(fields: Sequence[str], version: int) -> bool:
    """Return whether the `If-None-Match` header fields of a request list the tag of `version`.

    `*` matches every version, and weak tags match too (weak comparison, RFC 9110 section 13.1.2).
    """
    if not fields:
        return False
    tags = _parse(fields)
    return tags == [_ANY] or etag(version) in {tag.removeprefix("W/") for tag in tags}


def _parse(fields: Sequence[str]) -> list[str]:
    """Return the tags in header fields of one name, only `*`, or none if they are malformed."""
    value = ",".join(fields).strip()
    if value == _ANY:
        return [_ANY]
    return _TAGS.findall(value) if _LIST.fullmatch(value) else []
