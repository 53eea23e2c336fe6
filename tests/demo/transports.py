"""Display names of the transports, and the fastest sensible replay speed for each."""

from dataclasses import dataclass
from uuid import uuid4

import httpx
from synckairos.api_types import TransportName

from tests.demo.errors import SERVICE_GONE, DemoError


@dataclass(frozen=True, slots=True)
class ReplayTransport:
    """A transport. `words` is its display name."""

    words: str
    speed: float
    """Default speed factor of a replay."""


_WAYS: dict[TransportName, ReplayTransport] = {
    "supabase": ReplayTransport("Supabase Realtime", 10.0),
    "websocket": ReplayTransport("WebSocket", 60.0),
    "sse": ReplayTransport("server-sent events", 60.0),
    "polling": ReplayTransport("polling", 3.0),
}
"""At higher speeds most moves of a fast game take less time than their delivery."""


def transport_for(kind: TransportName | None) -> ReplayTransport:
    """Return the transport for `kind`; None means polling."""
    return _WAYS[kind or "polling"]


async def recommended_transport(url: str) -> ReplayTransport:
    """Return the transport that the service at `url` recommends. Raises `DemoError`."""
    async with httpx.AsyncClient(base_url=url, trust_env=False) as http:
        try:
            answer = await http.get(f"/v1/sessions/{uuid4()}/realtime")
            return transport_for(answer.json()["data"]["transport"] if answer.is_success else None)
        except httpx.TransportError as error:
            raise DemoError(SERVICE_GONE) from error
        except (ValueError, KeyError, TypeError) as error:
            raise DemoError(f"The server at {url} is not a SyncKairos service.") from error
