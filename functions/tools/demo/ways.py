"""How states come to the clients, in words, and which pace that bears."""

from dataclasses import dataclass
from uuid import uuid4

import httpx
from synckairos.states import Kind

from functions.tools.demo.failure import GONE, DemoFailed


@dataclass(frozen=True, slots=True)
class Way:
    """`words` is what it is, as in "a press reached all five by ..."."""

    words: str
    speed: float
    """How many times faster than it was played a game makes sense."""


_WAYS: dict[Kind, Way] = {
    "supabase": Way("Supabase Realtime", 10.0),
    "websocket": Way("WebSocket", 60.0),
    "sse": Way("server-sent events", 60.0),
    "polling": Way("polling", 3.0),
}
"""At more, most moves of a fast game are shorter than the time until they are seen."""


def way_of(kind: Kind | None) -> Way:
    """The way that clients follow by."""
    return _WAYS[kind or "polling"]


async def recommended(url: str) -> Way:
    """The way that the service at `url` recommends. Raises `DemoFailed`."""
    async with httpx.AsyncClient(base_url=url, trust_env=False) as http:
        try:
            answer = await http.get(f"/v1/sessions/{uuid4()}/realtime")
            return way_of(answer.json()["data"]["transport"] if answer.is_success else None)
        except httpx.TransportError as error:
            raise DemoFailed(GONE) from error
        except (ValueError, KeyError, TypeError) as error:
            raise DemoFailed(f"What answers at {url} is another kind of service.") from error
