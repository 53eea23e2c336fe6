"""Presence: the lists and counts of connections."""

from typing import Any

import pytest

from shared.application.authorization import Role
from shared.application.ports.presence import Connection
from shared.application.presence import (
    MOST_LISTED,
    presence_of,
    presence_view,
    seen,
    total_presence,
)
from shared.domain.units import Instant, Millis


def connection(
    number: int, role: Role = Role.PARTICIPANT, error_ms: int | None = None
) -> Connection:
    return Connection(
        connection_id=f"c{number}",
        role=role,
        transport="websocket",
        connected_at=Instant(1_000 + number),
        participant_id=f"p{number}" if role is Role.PARTICIPANT else None,
        error_ms=None if error_ms is None else Millis(error_ms),
    )


def listed(view: dict[str, Any]) -> list[str]:
    return [one["connection_id"] for one in view["connections"]]


def test_the_summary_counts_how_many_clocks_are_exact_to_within_each_bound() -> None:
    errors = [5, 10, 11, 40, 41, 1_000, 5_000, None]
    connections = [connection(n, error_ms=error) for n, error in enumerate(errors)]
    summary = presence_view("s", presence_of(connections))["summary"]
    assert (summary["connected"], summary["measured"]) == (8, 7)
    assert summary["within_ms"] == {"10": 2, "20": 3, "40": 4, "100": 5, "250": 5, "1000": 6}


def test_a_session_without_connections_has_a_summary_of_zeros() -> None:
    view = presence_view("s", total_presence([]))
    assert view["connections"] == []
    assert view["summary"]["connected"] == 0
    assert set(view["summary"]["within_ms"].values()) == {0}
    assert view["summary"]["roles"] == dict.fromkeys(Role, 0)


def test_those_who_run_the_session_are_listed_before_participants_and_spectators() -> None:
    roles = [Role.SPECTATOR, Role.PARTICIPANT, Role.COHOST, Role.PARTICIPANT, Role.HOST]
    parts = [presence_of([connection(n, role)]) for n, role in enumerate(roles)]
    assert listed(presence_view("s", total_presence(parts))) == ["c2", "c4", "c1", "c3", "c0"]


@pytest.mark.parametrize("instances", [1, 3])
def test_a_limited_number_of_connections_is_listed_and_all_are_counted(instances: int) -> None:
    connections = [connection(n, error_ms=n) for n in range(250)]
    parts = [presence_of(connections[n::instances]) for n in range(instances)]
    assert all(len(part.connections) <= MOST_LISTED for part in parts)
    view = presence_view("s", total_presence(parts))
    assert listed(view) == [f"c{n}" for n in range(MOST_LISTED)]
    assert view["summary"]["connected"] == view["summary"]["roles"]["participant"] == 250
    assert view["summary"]["within_ms"]["40"] == 41


def test_a_connection_was_seen_when_its_instance_was_last_alive() -> None:
    parts = [seen(presence_of([connection(1), connection(500)]), Instant(1_200))]
    shown = presence_view("s", total_presence(parts))["connections"]
    assert [one["seen_at"] for one in shown] == [
        "1970-01-01T00:00:01.200Z",
        "1970-01-01T00:00:01.500Z",
    ]


def test_what_a_client_has_not_said_is_left_out() -> None:
    (shown,) = presence_view("s", presence_of([connection(1, Role.HOST)]))["connections"]
    assert set(shown) == {"connection_id", "role", "transport", "connected_at", "seen_at"}
