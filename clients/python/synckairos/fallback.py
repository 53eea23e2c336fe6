"""The transports to try for a session, best first."""

from urllib.parse import urlsplit, urlunsplit

from synckairos.api import Api
from synckairos.api_types import Subscription, TransportName
from synckairos.clock import ServerClock
from synckairos.transports.interface import Transport
from synckairos.transports.sse import ServerSentEvents
from synckairos.transports.supabase import Supabase
from synckairos.transports.websocket import WebSocket

_FALLBACKS: dict[TransportName, tuple[TransportName, ...]] = {
    "supabase": ("supabase",),
    "websocket": ("websocket", "sse"),
    "sse": ("sse",),
    "polling": (),
}
"""Fallbacks per recommended transport. Polling is always the last; it needs no transport."""


def transports_to_try(
    subscription: Subscription, forced: TransportName | None
) -> tuple[TransportName, ...]:
    """Return the kinds of transport to try, in this order."""
    recommended = subscription["transport"]
    if forced is None:
        return _FALLBACKS.get(recommended, ())  # a newer service may recommend an unknown transport
    is_available = forced != "polling" and (forced != "supabase" or recommended == "supabase")
    return (forced,) if is_available else ()


async def create_transport(
    kind: TransportName,
    subscription: Subscription,
    api: Api,
    session_id: str,
    clock: ServerClock,
    *,
    presence: bool,
) -> Transport:
    """Return a new transport of that kind; `presence`: it asks for the session's presence."""
    if kind == "supabase":
        return Supabase(subscription, session_id, clock)
    query = {"sync": 1, "differences": 1} | ({"presence": 1} if presence else {})
    is_websocket = subscription["transport"] == "websocket"
    token = (is_websocket and subscription.get("token")) or await api.token()
    if kind == "websocket":
        url = _socket_url(subscription, api, session_id)
        return WebSocket(url, query, token, clock)
    return ServerSentEvents(api, session_id, query, token, clock)


def _socket_url(subscription: Subscription, api: Api, session_id: str) -> str:
    """Return the service's URL for a WebSocket, even if it recommends another transport.

    A service below a path doesn't know it, as the proxy before it removes it from requests.
    """
    if subscription["transport"] != "websocket":
        return f"ws{api.base_url.removeprefix('http')}/ws?sessionId={session_id}"
    url, base = urlsplit(subscription["url"]), urlsplit(api.base_url)
    if url.netloc.lower() == base.netloc.lower() and not url.path.startswith(f"{base.path}/"):
        url = url._replace(path=base.path + url.path)
    return urlunsplit(url)
