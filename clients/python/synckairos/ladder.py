"""Which transports there are for a session, best first."""

from synckairos.api import Api
from synckairos.states import Kind, Subscription
from synckairos.transports.base import Transport
from synckairos.transports.sse import ServerSentEvents
from synckairos.transports.supabase import Supabase
from synckairos.transports.websocket import WebSocket

_BELOW: dict[Kind, tuple[Kind, ...]] = {
    "supabase": ("supabase",),
    "websocket": ("websocket", "sse"),
    "sse": ("sse",),
    "polling": (),
}
"""Below all of them is polling, for which nothing need be made."""


def ladder(subscription: Subscription, forced: Kind | None) -> tuple[Kind, ...]:
    """What to try, in this order."""
    recommended = subscription["transport"]
    if forced is None:
        return _BELOW.get(recommended, ())  # there may be some that this library has never heard of
    is_to_be_had = forced != "polling" and (forced != "supabase" or recommended == "supabase")
    return (forced,) if is_to_be_had else ()


async def transport(kind: Kind, subscription: Subscription, api: Api, session_id: str) -> Transport:
    """A new transport of that kind."""
    if kind == "supabase":
        return Supabase(subscription)
    is_ours = subscription["transport"] == "websocket"
    token = (is_ours and subscription.get("token")) or await api.token()
    if kind == "websocket":
        return WebSocket(_socket_url(subscription, api, session_id), token)
    return ServerSentEvents(api, session_id, token)


def _socket_url(subscription: Subscription, api: Api, session_id: str) -> str:
    """Where the service says, or where it would be if it had been asked for."""
    if subscription["transport"] == "websocket":
        return subscription["url"]
    return f"ws{api.base_url.removeprefix('http')}/ws?sessionId={session_id}"
