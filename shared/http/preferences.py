"""Preferences of the client (RFC 7240): `Prefer: return=representation` or `return=minimal`."""

from collections.abc import Sequence
from enum import StrEnum

from starlette.responses import Response

_RETURN = "return"


class Return(StrEnum):
    """The content of an answer that a client may prefer (RFC 7240 section 4.2)."""

    REPRESENTATION = "representation"
    MINIMAL = "minimal"


def prefers(fields: Sequence[str], content: Return) -> bool:
    """Return whether the `Prefer` fields ask for `content`; the first `return` counts."""
    if not fields:
        return False
    for preference in ",".join(fields).split(","):
        name, _, value = preference.partition(";")[0].partition("=")
        if name.strip().lower() == _RETURN:
            return value.strip().strip('"').lower() == content
    return False


def mark_applied(response: Response, content: Return) -> Response:
    """Return `response` with the field that confirms the preference (RFC 7240 section 3)."""
    response.raw_headers.append((b"preference-applied", f"{_RETURN}={content}".encode()))
    return response
