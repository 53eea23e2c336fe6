"""Preferences of the client (RFC 7240): `Prefer: return=representation`."""

from collections.abc import Iterable

from starlette.responses import Response

_RETURN = "return"
_REPRESENTATION = "representation"


def prefers_representation(fields: Iterable[str]) -> bool:
    """Return whether the `Prefer` fields ask for the whole resource; the first `return` counts."""
    for preference in ",".join(fields).split(","):
        name, _, value = preference.partition(";")[0].partition("=")
        if name.strip().lower() == _RETURN:
            return value.strip().strip('"').lower() == _REPRESENTATION
    return False


def mark_applied(response: Response) -> Response:
    """Return `response` with the field that confirms the preference (RFC 7240 section 3)."""
    response.raw_headers.append((b"preference-applied", b"return=representation"))
    return response
