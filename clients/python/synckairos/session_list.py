"""The query of a list of sessions, and the iteration over its pages."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Literal, TypedDict
from urllib.parse import urlencode

from synckairos.api_types import ListedSession, ListPage

Scalar = str | int | float | bool


class ListFilter(TypedDict, total=False):
    """Which sessions to list, and how many on a page; see docs/lists.md.

    `created_after` is an ISO 8601 timestamp or ms since 1970, `after` the `next` of a page.
    """

    status: Literal["pending", "running", "paused", "expired", "completed", "cancelled"]
    mode: str
    owner: str
    created_after: str | int
    metadata: Mapping[str, Scalar]
    limit: int
    after: str


def list_path(wanted: ListFilter) -> str:
    """Return the path and query of a page."""
    query: dict[str, object] = {**wanted}
    query.pop("metadata", None)
    conditions = wanted.get("metadata", {})
    query |= {f"metadata.{key}": _text(value) for key, value in conditions.items()}
    return f"/v1/sessions?{urlencode(query)}"


async def each_listed(
    read: Callable[[ListFilter], Awaitable[ListPage]], wanted: ListFilter
) -> AsyncIterator[ListedSession]:
    """Yield the sessions of all pages. A page may be empty although more follow."""
    while True:
        page = await read(wanted)
        for session in page["sessions"]:
            yield session
        if page["next"] is None:
            return
        wanted = {**wanted, "after": page["next"]}


def _text(value: Scalar) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
