"""Frames of the Phoenix protocol, versions 1 and 2."""

import json

import pytest

from infra.local.realtime.messages import InvalidMessage, Message, decode, encode

_REPLY = Message("realtime:room", "phx_reply", {"status": "ok"}, ref="2", join_ref="1")


def test_version_1_encodes_objects() -> None:
    assert json.loads(encode(_REPLY, 1)) == {
        "topic": "realtime:room",
        "event": "phx_reply",
        "payload": {"status": "ok"},
        "ref": "2",
    }


def test_version_2_encodes_arrays() -> None:
    expected = ["1", "2", "realtime:room", "phx_reply", {"status": "ok"}]
    assert json.loads(encode(_REPLY, 2)) == expected


@pytest.mark.parametrize(
    ("data", "version"),
    [
        ('{"topic": "phoenix", "event": "heartbeat", "payload": {}, "ref": null}', 1),
        ('[null, null, "phoenix", "heartbeat", {}]', 2),
    ],
)
def test_both_versions_decode_to_the_same_frame(data: str, version: int) -> None:
    assert decode(data, version) == Message("phoenix", "heartbeat", {})


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
    ],
)
def test_malformed_frames_are_refused(data: str, version: int) -> None:
    with pytest.raises(InvalidMessage):
        decode(data, version)
