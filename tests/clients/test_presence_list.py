"""The presence that a client makes itself equals the shared examples, and that of the service."""

import json
from pathlib import Path
from typing import Any

import pytest
from synckairos.api_types import timestamp_ms
from synckairos.presence_list import Shown, presence_of

from shared.application import presence as service
from shared.application.ports.presence import Connection
from shared.domain.units import Instant, Millis

_EXAMPLES = json.loads(
    (Path(__file__).parents[2] / "clients/conformance/presence.json").read_text("utf-8")
)
_CASES = {case["about"]: case for case in _EXAMPLES["vectors"]}


@pytest.mark.parametrize("name", _CASES)
def test_the_client_makes_the_presence_of_the_examples(name: str) -> None:
    case = _CASES[name]
    shown = [Shown(**one) for one in case["shown"]]
    assert presence_of("s", shown, _EXAMPLES["now_ms"]) == case["presence"]


@pytest.mark.parametrize("name", _CASES)
def test_the_service_lists_and_counts_the_same_connections_alike(name: str) -> None:
    expected = _CASES[name]["presence"]
    listed = [_connection(one) for one in reversed(expected["connections"])]
    view = service.presence_view("s", service.presence_of(listed))
    if expected["summary"]["connected"] == len(listed):
        assert view["summary"] == expected["summary"]
    assert view["connections"] == [
        one | {"transport": "websocket"} for one in expected["connections"]
    ]


def _connection(one: dict[str, Any]) -> Connection:
    return Connection(
        connection_id=one["connection_id"],
        role=one["role"],
        transport="websocket",
        connected_at=Instant(timestamp_ms(one["connected_at"])),
        participant_id=one.get("participant_id"),
        round_trip_ms=_ms(one.get("round_trip_ms")),
        error_ms=_ms(one.get("error_ms")),
        seen_at=Instant(timestamp_ms(one["seen_at"])),
    )


def _ms(value: int | None) -> Millis | None:
    return None if value is None else Millis(value)
