"""Display names of the transports, and the fastest sensible replay speed for each."""

from dataclasses import dataclass
from uuid import uuid4

import httpx
from synckairos.states import Kind

from functions.tools.demo.failure import GONE, DemoFailed


@dataclass(frozen=True, slots=True)
class Way:
    """A transport. `words` is its display name."""

    words: str
    speed: float
    """Default speed factor of a replay."""


_WAYS: dict[Kind, Way] = {
    "supabase": Way("Supabase Realtime", 10.0),
    "websocket": Way("WebSocket", 60.0),
    "sse": Way("server-sent events", 60.0),
    "polling": Way("polling", 3.0),
}
"""At higher speeds most moves of a fast game take less time than their delivery."""


def way_of(kind: Kind | None) -> Way:
    """Return the transport for `kind`; None means polling."""
    return _WAYS[kind or "polling"]


async def recommended(url: str) -> Way:
    """Return the transport that the service at `url` recommends. Raises `DemoFailed`."""
    async with httpx.AsyncClient(base_url=url, trust_env=False) as http:
        try:
            answer = await http.get(f"/v1/sessions/{uuid4()}/realtime")
            return way_of(answer.json()["data"]["transport"] if answer.is_success else None)
        except httpx.TransportError as error:
            raise DemoFailed(GONE) from error
        except (ValueError, KeyError, TypeError) as error:
            raise DemoFailed(f"The server at {url} is not a SyncKairos service.") from error
