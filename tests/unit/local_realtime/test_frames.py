"""Frames of the Phoenix protocol, versions 1 and 2."""

import json

import pytest

from infra.local.realtime.messages import Broadcast, InvalidMessage, Message, decode, encode

_HEARTBEAT: dict[str, object] = {
    "topic": "phoenix",
    "event": "heartbeat",
    "payload": {},
    "ref": None,
}


def test_version_1_encodes_objects() -> None:
    frame = Message("realtime:room", "phx_reply", {"status": "ok"}, ref="2", join_ref="1")
    expected = {
        "topic": "realtime:room",
        "event": "phx_reply",
        "payload": {"status": "ok"},
        "ref": "2",
    }
    assert json.loads(encode(frame, 1)) == expected


def test_version_2_encodes_arrays() -> None:
    frame = Message("realtime:room", "phx_reply", {"status": "ok"}, ref="2", join_ref="1")
    expected = ["1", "2", "realtime:room", "phx_reply", {"status": "ok"}]
    assert json.loads(encode(frame, 2)) == expected


def test_a_missing_ref_is_encoded_as_null() -> None:
    frame = Message("realtime:room", "system", {})
    assert '"ref":null' in encode(frame, 1)
    assert json.loads(encode(frame, 2))[:2] == [None, None]


@pytest.mark.parametrize(
    ("data", "version"),
    [
        (json.dumps(_HEARTBEAT), 1),
        (json.dumps([None, None, "phoenix", "heartbeat", {}]), 2),
    ],
)
def test_both_versions_decode_to_the_same_frame(data: str, version: int) -> None:
    assert decode(data, version) == Message("phoenix", "heartbeat", {})


def test_a_binary_push_is_decoded() -> None:
    """Layout: kind 3; lengths of five strings; 1 for JSON; the strings; the payload."""
    data = bytes([3, 1, 2, 8, 1, 0, 1]) + b"1" + b"42" + b"realtime" + b"e" + b'{"n":1}'
    frame = decode(data, 2)
    assert (frame.join_ref, frame.ref, frame.topic) == ("1", "42", "realtime")
    assert frame.payload == {"type": "broadcast", "event": "e", "payload": {"n": 1}}
    assert frame.is_binary


def test_a_binary_push_may_carry_bytes() -> None:
    data = bytes([3, 0, 0, 1, 1, 2, 0]) + b"t" + b"e" + b"{}" + b"\x00\xff"
    frame = decode(data, 2)
    assert (frame.join_ref, frame.ref) == (None, None)
    assert frame.payload["payload"] == b"\x00\xff"


@pytest.mark.parametrize(
    ("data", "version"),
    [
        ("", 2),
        ("{}", 1),
        ("[]", 1),
        ("[1, 2, 3]", 2),
        ('[null, null, 1, "e", {}]', 2),
        ("[" * 100_000, 2),
        ('[null, null, "t", "e", NaN]', 2),
        (b"", 2),
        (bytes([3, 0, 0, 1, 1, 0, 1]) + b"te", 1),
        (bytes([4, 0, 0, 1, 1, 0, 1]) + b"te{}", 2),
        (bytes([3, 0, 0, 9, 1, 0, 0]) + b"short", 2),
        (bytes([3, 0, 0, 1, 1, 0, 1]) + b"te{", 2),
        (bytes([3, 0, 0, 1, 1, 0, 0]) + b"\xffe", 2),
    ],
)
def test_malformed_frames_are_refused(data: str | bytes, version: int) -> None:
    with pytest.raises(InvalidMessage):
        decode(data, version)


def test_a_broadcast_is_always_text_in_version_1() -> None:
    expected = {"type": "broadcast", "event": "e", "payload": {"n": 1}, "meta": {"id": "7"}}
    frame = {"topic": "realtime:room", "event": "broadcast", "payload": expected, "ref": None}
    for binary in (False, True):
        broadcast = Broadcast("room", "e", {"n": 1}, False, {"id": "7"}, prefers_binary=binary)
        assert broadcast.first
        assert json.loads(broadcast.first) == frame


def test_a_broadcast_is_binary_in_version_2_if_preferred() -> None:
    """Layout: kind 4; lengths of three strings; 1 for JSON; the strings; the payload."""
    as_text = Broadcast("t", "e", {"n": 1}, False)
    assert isinstance(as_text.second, str)
    as_bytes = Broadcast("t", "e", {"n": 1}, False, {"id": "7"}, prefers_binary=True)
    head = bytes([4, 10, 1, 10, 1])
    assert as_bytes.second == head + b"realtime:t" + b"e" + b'{"id":"7"}' + b'{"n":1}'


def test_bytes_can_be_broadcast_in_version_2_only() -> None:
    broadcast = Broadcast("t", "e", b"\x00", False, prefers_binary=True)
    assert broadcast.first is None
    assert broadcast.second == bytes([4, 10, 1, 0, 0]) + b"realtime:te\x00"


def test_an_event_name_too_long_for_a_binary_frame_is_sent_as_text() -> None:
    broadcast = Broadcast("t", "e" * 256, {}, False, prefers_binary=True)
    assert isinstance(broadcast.second, str)


def test_a_lone_surrogate_can_be_broadcast() -> None:
    broadcast = Broadcast("t", "\ud800", {"text": "\ud800"}, False, prefers_binary=True)
    assert broadcast.first
    assert broadcast.first.encode()
    assert isinstance(broadcast.second, bytes)
