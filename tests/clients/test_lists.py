"""The Python client's requests for lists of sessions and of events, and for earlier states."""

from typing import Any

import httpx
from synckairos import SyncKairos

_ID = "5a7f9a52-6a2c-4d0c-9a38-0f1f4c3b7d10"


class Pages:
    """A service that answers with `pages`, one after the other."""

    def __init__(self, *pages: dict[str, Any]) -> None:
        self._pages = list(pages)
        self.queries: list[dict[str, str]] = []

    def client(self) -> SyncKairos:
        """Return a client of the service."""
        http = httpx.AsyncClient(transport=httpx.MockTransport(self._respond))
        return SyncKairos("http://service", http=http)

    def _respond(self, request: httpx.Request) -> httpx.Response:
        self.queries.append(dict(request.url.params))
        return httpx.Response(200, json={"data": self._pages.pop(0)})


async def test_a_list_is_read_page_by_page_even_over_an_empty_page() -> None:
    service = Pages(
        {"sessions": [{"session_id": "a"}], "next": "1"},
        {"sessions": [], "next": "2"},
        {"sessions": [{"session_id": "b"}], "next": None},
    )
    async with service.client() as client:
        listing = client.list_sessions(status="running", metadata={"room": "a&b", "rated": True})
        assert [one["session_id"] async for one in listing] == ["a", "b"]
    first = {"status": "running", "metadata.room": "a&b", "metadata.rated": "true"}
    assert service.queries == [first, {**first, "after": "1"}, {**first, "after": "2"}]


async def test_events_are_asked_for_by_type_and_newest_first() -> None:
    service = Pages(*[{"events": [], "next": None}] * 2)
    async with service.client() as client:
        session = client.session(_ID)
        await session.events()
        await session.events(7, 2, event_type="cycle_switched", order="desc")
    assert service.queries == [
        {"limit": "100", "order": "asc"},
        {"after": "7", "limit": "2", "type": "cycle_switched", "order": "desc"},
    ]


async def test_an_instant_with_an_offset_reaches_the_service_as_it_is() -> None:
    service = Pages({}, {})
    async with service.client() as client:
        session = client.session(_ID)
        await session.replay(at="2026-01-31T10:30:00+02:00")
        await session.replay(version=3)
    assert service.queries == [{"at": "2026-01-31T10:30:00+02:00"}, {"version": "3"}]
