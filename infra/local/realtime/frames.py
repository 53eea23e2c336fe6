"""Phoenix's frames, in both versions of its protocol that Supabase's clients speak.

Version 1.0.0 writes objects, 2.0.0 arrays and, for broadcasts, a binary form of Supabase's own.
"""

import json
import struct
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NoReturn

_PUSH_KIND, _BROADCAST_KIND = 3, 4
_AS_JSON = 1
_PUSH_HEAD = struct.Struct("7B")
_BROADCAST_HEAD = struct.Struct("5B")
_LONGEST = 255
"""Bytes of a string in a binary frame, which counts them in one."""

TOPIC_PREFIX = "realtime:"
"""Before the name of a topic on the wire of a socket, and nowhere else."""


class NotAFrame(Exception):
    """It can't be read."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One message between a client and the server."""

    topic: str
    event: str
    payload: Any
    ref: str | None = None
    join_ref: str | None = None
    is_binary: bool = False


@dataclass(frozen=True)
class Broadcast:
    """A message of the topic `name`; encoded once for all who hear it.

    `payload` is JSON's, or bytes. `prefers_binary` tells how it was sent.
    """

    name: str
    event: str
    payload: Any
    private: bool
    meta: dict[str, Any] | None = None
    prefers_binary: bool = False

    @cached_property
    def first(self) -> str | None:
        """The frame of version 1.0.0, in which there are no bytes."""
        return None if isinstance(self.payload, bytes) else encode(self._frame, 1)

    @cached_property
    def second(self) -> str | bytes | None:
        """The frame of version 2.0.0."""
        if self.prefers_binary and (packed := self._packed()):
            return packed
        return None if isinstance(self.payload, bytes) else encode(self._frame, 2)

    @property
    def _frame(self) -> Frame:
        said = {"type": "broadcast", "event": self.event, "payload": self.payload}
        return Frame(
            TOPIC_PREFIX + self.name,
            "broadcast",
            said | ({"meta": self.meta} if self.meta else {}),
        )

    def _packed(self) -> bytes | None:
        meta = _json(self.meta) if self.meta else ""
        texts = (TOPIC_PREFIX + self.name, self.event, meta)
        parts = [text.encode(errors="surrogatepass") for text in texts]
        if any(len(part) > _LONGEST for part in parts):
            return None
        is_json = not isinstance(self.payload, bytes)
        head = _BROADCAST_HEAD.pack(_BROADCAST_KIND, *map(len, parts), is_json)
        return head + b"".join(parts) + (_json(self.payload).encode() if is_json else self.payload)


def parse(data: str | bytes) -> Any:
    """JSON, without the numbers that Python alone takes for such. Raises `ValueError`."""
    return json.loads(data, parse_constant=_no_number)


def encode(frame: Frame, version: int) -> str:
    """Its text in that version of the protocol, 1 or 2."""
    if version == 1:
        said = {"topic": frame.topic, "event": frame.event, "payload": frame.payload}
        return _json(said | {"ref": frame.ref})
    return _json([frame.join_ref, frame.ref, frame.topic, frame.event, frame.payload])


def decode(data: str | bytes, version: int) -> Frame:
    """What a client sent, in that version of the protocol. Raises `NotAFrame`."""
    try:
        if isinstance(data, bytes):
            if version == 1:
                raise NotAFrame("version 1.0.0 has no binary frames")
            return _unpacked(data)
        return _read(parse(data), version)
    except (ValueError, KeyError, TypeError, struct.error, RecursionError) as error:
        raise NotAFrame(str(error)) from error


def _read(said: Any, version: int) -> Frame:
    if version == 1:
        topic, event, payload = said["topic"], said["event"], said["payload"]
        ref, join_ref = said.get("ref"), said.get("join_ref")
    else:
        join_ref, ref, topic, event, payload = said
    if not (isinstance(topic, str) and isinstance(event, str)):
        raise NotAFrame("topic and event are text")
    return Frame(topic, event, payload, ref, join_ref)


def _unpacked(data: bytes) -> Frame:
    kind, *lengths, encoding = _PUSH_HEAD.unpack_from(data)
    if kind != _PUSH_KIND:
        raise NotAFrame(f"a binary frame of kind {kind}")
    rest, parts = data[_PUSH_HEAD.size :], []
    if len(rest) < sum(lengths):
        raise NotAFrame("a binary frame that ends too early")
    for length in lengths:
        parts.append(rest[:length].decode())
        rest = rest[length:]
    join_ref, ref, topic, event, _ = parts
    payload = parse(rest) if encoding == _AS_JSON else rest
    said = {"type": "broadcast", "event": event, "payload": payload}
    return Frame(topic, "broadcast", said, ref or None, join_ref or None, is_binary=True)


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def _no_number(text: str) -> NoReturn:
    raise ValueError(text)
