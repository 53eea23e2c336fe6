"""Convert Redis replies to JSON."""

from base64 import b64encode
from typing import Any

from infra.local.upstash.errors import ErrorReply

Reply = Any
"""A RESP2 value: integer, bytes, None or a list of these; or a `ErrorReply`."""


def envelope(reply: Reply, *, base64: bool) -> dict[str, object]:
    """Return the JSON object for one reply. An error reply is never in base64."""
    if isinstance(reply, ErrorReply):
        return {"error": reply.text}
    return {"result": _value(reply, base64)}


def _value(reply: Reply, base64: bool) -> object:
    if isinstance(reply, list):
        return [_value(part, base64) for part in reply]
    if isinstance(reply, ErrorReply):  # nested in the list that a script returns
        reply = reply.text.encode()
    if isinstance(reply, bytes):
        return b64encode(reply).decode() if base64 and reply != b"OK" else _decode(reply)
    return reply


def _decode(text: bytes) -> str:
    """Decode UTF-8 and replace invalid bytes; only base64 preserves those."""
    return text.decode(errors="replace")
