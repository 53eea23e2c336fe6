"""Encode and decode Phoenix messages in the two protocol versions that Supabase's clients use.

Version 1.0.0 uses JSON objects, version 2.0.0 JSON arrays, and binary frames for broadcasts that
clients or requests for a single message send.
"""

import json
import struct
from dataclasses import dataclass
from typing import Any, NoReturn

TOPIC_PREFIX = "realtime:"
"""Prefix of topic names in WebSocket messages; the HTTP API and policies use names without it."""


_BROADCAST = 4
_JSON = 1


class InvalidMessage(Exception):
    """The data isn't a valid message."""


@dataclass(frozen=True, slots=True)
class Message:
    """One Phoenix message."""

    topic: str
    event: str
    payload: Any
    ref: str | None = None
    join_ref: str | None = None


def parse_json(data: str | bytes) -> Any:
    """Parse JSON strictly: no NaN or Infinity. Raises `ValueError`."""
    return json.loads(data, parse_constant=_reject_constant)


def encode(frame: Message, version: int) -> str:
    """Return the frame's text in protocol version 1 or 2."""
    message: Any = [frame.join_ref, frame.ref, frame.topic, frame.event, frame.payload]
    if version == 1:
        _, ref, topic, event, payload = message
        message = {"topic": topic, "event": event, "payload": payload, "ref": ref}
    return json.dumps(message, separators=(",", ":"), sort_keys=True)


def encode_single(topic: str, event: str, payload: Any) -> bytes:
    """Return the binary frame of version 2 with a broadcast: its kind, the lengths of topic, event
    and metadata, the encoding of the payload, and the texts."""
    texts = [topic.encode(), event.encode(), b""]
    head = struct.pack("BBBBB", _BROADCAST, *map(len, texts), _JSON)
    body = json.dumps(payload, separators=(",", ":"), sort_keys=True).encode()
    return head + b"".join(texts) + body


def decode(data: str, version: int) -> Message:
    """Parse a client's message in protocol version 1 or 2. Raises `InvalidMessage`."""
    try:
        message = parse_json(data)
        if version == 1:
            topic, event, payload = message["topic"], message["event"], message["payload"]
            ref, join_ref = message.get("ref"), message.get("join_ref")
        else:
            join_ref, ref, topic, event, payload = message
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise InvalidMessage(str(error)) from error
    if not (isinstance(topic, str) and isinstance(event, str)):
        raise InvalidMessage("topic and event must be strings")
    return Message(topic, event, payload, ref, join_ref)


def _reject_constant(text: str) -> NoReturn:
    raise ValueError(text)
