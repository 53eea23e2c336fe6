"""Encode and decode Phoenix messages in the two protocol versions that Supabase's clients use.

Version 1.0.0 uses JSON objects; version 2.0.0 uses JSON arrays and, for broadcasts, Supabase's
binary frames.
"""

import json
import struct
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NoReturn

_PUSH_KIND, _BROADCAST_KIND = 3, 4
_AS_JSON = 1
_PUSH_HEADER = struct.Struct("7B")
_BROADCAST_HEADER = struct.Struct("5B")
_MAX_STRING_BYTES = 255
"""Binary frames store the length of a string in one byte."""

TOPIC_PREFIX = "realtime:"
"""Prefix of topic names in WebSocket messages; the HTTP API and policies use names without it."""


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
    is_binary: bool = False


@dataclass(frozen=True)
class Broadcast:
    """A message to the topic `name`, encoded once for all subscribers.

    `payload` is a JSON value or bytes. `prefers_binary`: deliver it in a binary frame if possible.
    """

    name: str
    event: str
    payload: Any
    private: bool
    meta: dict[str, Any] | None = None
    prefers_binary: bool = False

    @cached_property
    def first(self) -> str | None:
        """The frame of version 1.0.0; `None` for a payload of bytes."""
        return None if isinstance(self.payload, bytes) else encode(self._frame, 1)

    @cached_property
    def second(self) -> str | bytes | None:
        """The frame of version 2.0.0; `None` for bytes that don't fit a binary frame."""
        if self.prefers_binary and (data := self._encode_binary()):
            return data
        return None if isinstance(self.payload, bytes) else encode(self._frame, 2)

    @property
    def _frame(self) -> Message:
        payload = {"type": "broadcast", "event": self.event, "payload": self.payload}
        return Message(
            TOPIC_PREFIX + self.name,
            "broadcast",
            payload | ({"meta": self.meta} if self.meta else {}),
        )

    def _encode_binary(self) -> bytes | None:
        meta = _json(self.meta) if self.meta else ""
        texts = (TOPIC_PREFIX + self.name, self.event, meta)
        parts = [text.encode(errors="surrogatepass") for text in texts]
        if any(len(part) > _MAX_STRING_BYTES for part in parts):
            return None
        is_json = not isinstance(self.payload, bytes)
        header = _BROADCAST_HEADER.pack(_BROADCAST_KIND, *map(len, parts), is_json)
        payload = _json(self.payload).encode() if is_json else self.payload
        return header + b"".join(parts) + payload


def parse_json(data: str | bytes) -> Any:
    """Parse JSON strictly: no NaN or Infinity. Raises `ValueError`."""
    return json.loads(data, parse_constant=_reject_constant)


def encode(frame: Message, version: int) -> str:
    """Return the frame's text in protocol version 1 or 2."""
    if version == 1:
        message = {"topic": frame.topic, "event": frame.event, "payload": frame.payload}
        return _json(message | {"ref": frame.ref})
    return _json([frame.join_ref, frame.ref, frame.topic, frame.event, frame.payload])


def decode(data: str | bytes, version: int) -> Message:
    """Parse a client's message in protocol version 1 or 2. Raises `InvalidMessage`."""
    try:
        if isinstance(data, bytes):
            if version == 1:
                raise InvalidMessage("version 1.0.0 has no binary frames")
            return _decode_binary(data)
        return _decode_json(parse_json(data), version)
    except (ValueError, KeyError, TypeError, struct.error, RecursionError) as error:
        raise InvalidMessage(str(error)) from error


def _decode_json(message: Any, version: int) -> Message:
    if version == 1:
        topic, event, payload = message["topic"], message["event"], message["payload"]
        ref, join_ref = message.get("ref"), message.get("join_ref")
    else:
        join_ref, ref, topic, event, payload = message
    if not (isinstance(topic, str) and isinstance(event, str)):
        raise InvalidMessage("topic and event must be strings")
    return Message(topic, event, payload, ref, join_ref)


def _decode_binary(data: bytes) -> Message:
    kind, *lengths, encoding = _PUSH_HEADER.unpack_from(data)
    if kind != _PUSH_KIND:
        raise InvalidMessage(f"unsupported kind of binary frame: {kind}")
    rest, parts = data[_PUSH_HEADER.size :], []
    if len(rest) < sum(lengths):
        raise InvalidMessage("truncated binary frame")
    for length in lengths:
        parts.append(rest[:length].decode())
        rest = rest[length:]
    join_ref, ref, topic, event, _ = parts
    payload = parse_json(rest) if encoding == _AS_JSON else rest
    message = {"type": "broadcast", "event": event, "payload": payload}
    return Message(topic, "broadcast", message, ref or None, join_ref or None, is_binary=True)


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def _reject_constant(text: str) -> NoReturn:
    raise ValueError(text)
