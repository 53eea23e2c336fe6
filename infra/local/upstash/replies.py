"""Replies as JSON."""

from base64 import b64encode
from typing import Any

from infra.local.upstash.refusals import Failure

Reply = Any
"""As RESP2 has it: integers, bytes, None, lists of these; or a `Failure`."""


def envelope(reply: Reply, *, base64: bool) -> dict[str, object]:
    """The JSON object for one reply. Errors are never encoded."""
    if isinstance(reply, Failure):
        return {"error": reply.text}
    return {"result": _value(reply, base64)}


def _value(reply: Reply, base64: bool) -> object:
    if isinstance(reply, list):
        return [_value(part, base64) for part in reply]
    if isinstance(reply, Failure):  # one among a script's results
        reply = reply.text.encode()
    if isinstance(reply, bytes):
        return b64encode(reply).decode() if base64 and reply != b"OK" else _readable(reply)
    return reply


def _readable(text: bytes) -> str:
    """JSON carries no bytes: what isn't UTF-8 needs base64 to arrive whole."""
    return text.decode(errors="replace")
