"""How a client reacts to messages, reads and the passing of time."""

from typing import Any

import pytest
from synckairos.api_types import TransportName
from synckairos.effects import Effect, Emit, Ping, Read, Reconnect, Resync
from synckairos.errors import ApiError
from synckairos.events import Deleted, PeriodEnded, Update, Warned
from synckairos.session_logic import SessionLogic
from synckairos.timing import FREQUENT_EVERY_MS

from tests.clients.states import (
    T0,
    pong_message,
    session_state,
    sync_message,
    timestamp,
    update_message,
)

READ, PING, RESYNC, RECONNECT = Read(), Ping(), Resync(), Reconnect()


class Harness:
    """A `SessionLogic` in virtual time, ms, and all requests that it made."""

    def __init__(self, kind: TransportName | None = "websocket", version: int = 2) -> None:
        self.logic = SessionLogic(rng=lambda: 0.5)
        self.now = 0.0
        self.requested: list[Effect] = []
        if kind:
            self.logic.joined(kind, 0)
            if kind == "supabase":
                self.advance(0)
                self.read_finds(version)
                self.requested.clear()
            else:
                self.receive(sync_message(version))

    def receive(self, message: Any) -> list[Effect]:
        """Receive a message from the transport; return the immediate effects."""
        return self._record(self.logic.receive(message, self.now))

    def read_finds(self, version: int | None, **more: Any) -> list[Effect]:
        """End a read with a state, or with None if the held state is the newest."""
        state = None if version is None else session_state(version, **more)
        return self._record(self.logic.read_found(state, self.now))

    def _record(self, effects: list[Effect]) -> list[Effect]:

        self.requested += [effect for effect in effects if not isinstance(effect, Emit)]
        return effects

    def advance(self, ms: float) -> list[Effect]:
        """Advance the time, with every due tick; return the requests made meanwhile."""
        until, before = self.now + ms, len(self.requested)
        while (due := max(self.now, self.logic.due(self.now, T0 + self.now))) <= until:
            self.now = due
            self._record(self.logic.tick(self.now, T0 + self.now))
        self.now = until
        return self.requested[before:]

    def end_frequent_checks(self) -> None:
        """Advance the time past the frequent checks after joining, and confirm each."""
        while self.now < 11_000:
            if self.advance(100) == [PING]:
                self.receive(pong_message(self.version))
            elif self.requested[-1:] == [READ]:
                self.read_finds(None)
            self.requested.clear()

    @property
    def existence(self) -> str:
        """Existence of the session."""
        return self.logic.existence

    @property
    def version(self) -> int | None:
        """Version of the held state."""
        return self.logic.state["version"] if self.logic.state else None


def updates(effects: list[Effect]) -> list[Update]:
    return [e.event for e in effects if isinstance(e, Emit) and isinstance(e.event, Update)]


def read_times(harness: Harness, *, until: int) -> list[float]:
    """Return when the session is read until then, if pings are answered and reads find nothing."""
    reads = []
    while harness.now < until:
        for effect in harness.advance(10):
            if effect == PING:
                harness.receive(pong_message(harness.version))
            else:
                reads.append(harness.now)
                harness.read_finds(None)
    return reads


def test_a_newer_state_is_emitted_with_the_previous_one() -> None:
    harness = Harness()
    (emitted,) = updates(harness.receive(update_message(3)))
    assert (emitted.state["version"], emitted.previous and emitted.previous["version"]) == (3, 2)
    assert (emitted.is_next, emitted.cause, emitted.source) == (True, "cycle_switched", "push")


@pytest.mark.parametrize("version", [1, 2])
def test_a_state_that_is_not_newer_is_ignored(version: int) -> None:
    harness = Harness()
    assert harness.receive(update_message(version)) == []
    assert harness.version == 2


def test_after_a_gap_the_session_is_read_50_to_150_ms_later() -> None:
    harness = Harness("supabase")
    (emitted,) = updates(harness.receive(update_message(4)))
    assert not emitted.is_next
    assert harness.advance(49) == []
    assert harness.advance(101) == [READ]


def test_a_skipped_version_that_arrives_late_needs_no_read() -> None:
    harness = Harness("supabase")
    harness.receive(update_message(4))
    harness.receive(update_message(3))
    assert harness.advance(200) == []


def _difference(version: int, since: int) -> dict[str, Any]:
    """Return a push with a difference that changes no participant."""
    state = session_state(version, participants=[], deadline_at=None)
    update = {"type": "STATE_UPDATE", "version": version, "cause": "participant_finished"}
    return {**update, "difference": {"since": since, "state": state}}


def test_a_difference_to_the_held_state_makes_the_next_one() -> None:
    harness = Harness()
    (emitted,) = updates(harness.receive(_difference(3, since=2)))
    assert (emitted.state["version"], emitted.is_next, emitted.source) == (3, True, "push")
    assert len(emitted.state["participants"]) == 2
    assert harness.requested == []


def test_after_a_lost_difference_the_session_is_read_and_then_checked_often() -> None:
    harness = Harness()
    assert harness.receive(_difference(4, since=3)) == []
    assert harness.advance(200) == [READ]
    (emitted,) = updates(harness.read_finds(4, deadline_at=None))
    assert emitted.state["version"] == 4
    assert PING in harness.advance(FREQUENT_EVERY_MS)


@pytest.mark.parametrize(("version", "since"), [(2, 1), (1, 0)])
def test_a_difference_that_makes_no_newer_state_causes_no_request(version: int, since: int) -> None:
    harness = Harness()
    assert harness.receive(_difference(version, since)) == []
    assert harness.advance(200) == []


@pytest.mark.parametrize("kind", ["STATE_UPDATE", "STATE_SYNC"])
def test_a_message_without_its_state_causes_a_read(kind: str) -> None:
    harness = Harness("supabase")
    assert harness.receive({"type": kind, "version": 3}) == []
    assert harness.advance(150) == [READ]
    assert updates(harness.read_finds(3))


def test_a_read_is_repeated_if_a_newer_version_became_known_during_it() -> None:
    harness = Harness("supabase")
    harness.receive(update_message(4))
    assert harness.advance(150) == [READ]
    harness.receive({"type": "STATE_UPDATE", "version": 6})
    harness.read_finds(5)
    assert harness.advance(150) == [READ]


def test_an_own_switch_without_a_push_is_read_after_250_ms() -> None:
    harness = Harness("supabase")
    harness.logic.version_noted(3, harness.now)
    assert harness.advance(249) == []
    assert harness.advance(1) == [READ]


def test_an_own_switch_with_a_push_needs_no_read() -> None:
    harness = Harness()
    harness.logic.version_noted(3, harness.now)
    harness.receive(update_message(3))
    assert harness.advance(600) == []


def test_a_transport_without_pings_is_checked_by_a_read_every_700_ms() -> None:
    harness = Harness("supabase")
    for _ in range(3):
        assert harness.advance(699) == []
        assert harness.advance(1) == [READ]
        harness.read_finds(None)


def test_a_pong_with_the_held_version_confirms_the_state() -> None:
    harness = Harness()
    assert harness.advance(700) == [PING]
    harness.receive(pong_message(2))
    assert harness.advance(699) == []
    assert harness.advance(1) == [PING]


def test_a_pong_with_a_newer_version_causes_a_resync() -> None:
    harness = Harness()
    harness.advance(700)
    assert harness.receive(pong_message(3)) == [RESYNC]
    assert updates(harness.receive(sync_message(3)))
    assert harness.advance(600) == []


@pytest.mark.parametrize("version", [None, 1])
def test_a_pong_with_no_or_an_older_version_causes_a_read(version: int | None) -> None:
    harness = Harness()
    harness.advance(700)
    harness.receive(pong_message(version))
    assert harness.advance(0) == [READ]


def test_a_ping_without_a_pong_causes_a_read() -> None:
    harness = Harness()
    assert harness.advance(1_400) == [PING, READ]


def reads_until_reconnect(harness: Harness, max_ms: int) -> int:
    """Return the number of successful reads before the client reconnects."""
    reads = 0
    for _ in range(max_ms // 50):
        for effect in harness.advance(50):
            if effect == RECONNECT:
                return reads
            if effect == READ:
                reads += 1
                harness.read_finds(None)
    raise AssertionError(f"no reconnect within {max_ms} ms")


def test_without_pongs_the_session_is_read_and_then_reconnected() -> None:
    harness = Harness()
    harness.receive(update_message(3, deadline_at=None))
    harness.end_frequent_checks()
    assert reads_until_reconnect(harness, 17_000) >= 3


def test_one_missing_pong_causes_no_reconnect() -> None:
    harness = Harness()
    assert harness.advance(1_400) == [PING, READ]
    harness.read_finds(None)
    for _ in range(60):
        for effect in harness.advance(100):
            assert effect == PING
            harness.receive(pong_message(2))


def test_a_gap_starts_frequent_checks_again() -> None:
    harness = Harness()
    harness.receive(update_message(3, deadline_at=None))
    harness.end_frequent_checks()
    assert harness.advance(5_000) == []
    harness.receive(update_message(5, deadline_at=None))
    harness.advance(150)
    harness.read_finds(5, deadline_at=None)
    assert harness.advance(700) == [PING]


def test_without_lost_pushes_a_websocket_is_pinged_every_10_s_and_others_read_every_15_s() -> None:
    websocket, other = Harness(), Harness("sse")
    for harness in (websocket, other):
        harness.logic.receive(update_message(3, deadline_at=None), 0)
        harness.end_frequent_checks()
    assert websocket.advance(10_000)[:1] == [PING]
    assert other.advance(15_000) == [READ]


def test_without_a_push_the_session_is_read_300_ms_after_a_deadline() -> None:
    harness = Harness("sse")
    soon = timestamp(T0 + 500)
    harness.receive(update_message(3, deadline_at=soon))
    assert harness.advance(699) == []
    harness.read_finds(None)
    harness.requested.clear()
    assert harness.advance(1) == []
    assert harness.advance(100) == [READ]


@pytest.mark.parametrize(
    "state",
    [
        pytest.param({"status": "pending", "start_at": timestamp(T0 + 20_000)}, id="start"),
        pytest.param({"status": "pending", "deadline_at": timestamp(T0 + 20_000)}, id="close"),
        pytest.param({"status": "paused", "deadline_at": timestamp(T0 + 20_000)}, id="fixed_end"),
        pytest.param(
            {"scheduled": {"operation": "pause", "effective_at": timestamp(T0 + 20_000)}},
            id="scheduled",
        ),
    ],
)
def test_without_a_push_the_session_is_read_300_ms_after_its_start_or_end(
    state: dict[str, Any],
) -> None:
    harness = Harness(version=2)
    fields = {"deadline_at": None, "cycle_started_at": None, **state}
    harness.receive(update_message(3, **fields))
    harness.end_frequent_checks()
    assert read_times(harness, until=21_000) == [20_300]


def test_a_warning_before_the_start_says_so() -> None:
    message = {"type": "TIME_WARNING", "threshold_ms": 60_000, "time_remaining_ms": 59_990}
    harness = Harness()
    assert harness.receive(message) == [Emit(Warned(None, None, 60_000, 59_990))]
    harness = Harness()
    before = harness.receive({**message, "before": "start"})
    assert before == [Emit(Warned(None, None, 60_000, 59_990, before_start=True))]


def test_after_a_deadline_the_session_is_read_every_3_s_until_a_state_shows_the_expiry() -> None:
    harness = Harness(version=2)
    harness.receive(update_message(3, deadline_at=timestamp(T0 + 20_000)))
    harness.end_frequent_checks()
    assert read_times(harness, until=25_000) == [20_300, 23_300]


def test_every_tenth_read_is_unconditional() -> None:
    harness = Harness(None)
    harness.logic.left("polling", 0)
    known = []
    for _ in range(11):
        harness.advance(1_000)
        known.append(harness.logic.version_for_read)
        harness.read_finds(7, deadline_at=None)
    assert known == [None, *[7] * 8, None, 7]


def test_checks_come_every_3_s_when_the_rate_limit_is_almost_used_up() -> None:
    harness = Harness("supabase")
    assert harness.advance(700) == [READ]
    harness.logic.rate_limit_reported(19)
    harness.read_finds(None)
    assert harness.advance(2_999) == []
    assert harness.advance(1) == [READ]


def test_without_pushes_the_session_is_polled_about_every_second() -> None:
    harness = Harness(None)
    harness.logic.left("polling", 0)
    assert harness.advance(0) == [READ]
    harness.read_finds(2, deadline_at=None)
    assert harness.advance(700) == []
    assert harness.advance(300) == [READ]


def test_without_pushes_the_session_is_read_right_after_a_deadline() -> None:
    harness = Harness(None)
    harness.logic.left("polling", 0)
    harness.advance(0)
    harness.read_finds(2, deadline_at=timestamp(T0 + 400))
    assert harness.advance(400) == []
    assert harness.advance(100) == [READ]


def test_an_ended_session_is_polled_seldom() -> None:
    harness = Harness(None)
    harness.logic.left("polling", 0)
    harness.advance(0)
    harness.read_finds(2, deadline_at=None, status="completed")
    assert harness.advance(17_000) == []


def test_failed_reads_back_off_and_respect_retry_after() -> None:
    harness = Harness("supabase")
    harness.advance(700)
    for min_ms in (100, 200, 400):
        harness.logic.read_failed(harness.now)
        assert harness.advance(min_ms - 1) == []
        assert harness.advance(min_ms + 1) == [READ]
    harness.logic.read_failed(harness.now, retry_after_ms=5_000)
    assert harness.advance(4_999) == []


def test_an_absent_session_is_polled_until_it_exists() -> None:
    harness = Harness(None)
    harness.logic.joined("websocket", 0)
    assert harness.advance(200) == [READ]
    harness.logic.read_found_nothing(harness.now)
    assert harness.existence == "absent"
    assert harness.advance(2_400) == [READ]
    harness.receive(update_message(1))
    assert harness.existence == "present"


def test_a_read_that_finds_no_session_is_ignored_if_a_state_arrived_during_it() -> None:
    harness = Harness(None)
    harness.logic.joined("websocket", 0)
    harness.advance(200)
    harness.receive(update_message(1))
    assert harness.logic.read_found_nothing(harness.now) == []
    assert harness.logic.existence == "present"


def test_a_present_session_that_a_read_does_not_find_is_reported_deleted_once() -> None:
    harness = Harness("supabase")
    harness.advance(700)
    assert harness.logic.read_found_nothing(harness.now) == [Emit(Deleted())]
    assert harness.receive({"type": "SESSION_DELETED"}) == []
    assert (harness.logic.existence, harness.logic.state) == ("deleted", None)


def test_a_late_push_does_not_restore_a_deleted_session() -> None:
    harness = Harness("supabase")
    harness.receive({"type": "SESSION_DELETED"})
    assert harness.receive(update_message(3)) == []
    assert harness.logic.existence == "deleted"


def test_a_read_that_began_before_the_deletion_does_not_restore_the_session() -> None:
    harness = Harness("supabase")
    harness.advance(700)
    harness.receive({"type": "SESSION_DELETED"})
    assert harness.read_finds(2) == []


def test_a_new_session_with_the_id_has_its_own_versions() -> None:
    harness = Harness(version=9)
    (emitted,) = updates(harness.receive(update_message(1, created_at=timestamp(T0 + 5))))
    assert (emitted.state["version"], emitted.is_next) == (1, False)
    assert harness.receive(update_message(10)) == []


def test_messages_about_an_earlier_session_with_the_id_are_ignored() -> None:
    harness = Harness("supabase")
    harness.receive(update_message(3, created_at=timestamp(T0 + 5_000)))
    assert harness.receive({"type": "SESSION_DELETED", "timestamp": T0 + 1_000}) == []
    expired = {"type": "TIME_EXPIRED", "deadline_ms": T0 + 1_000, "participant_id": "ada"}
    assert harness.receive({**expired, "action_taken": {"type": "notify"}}) == []
    assert harness.existence == "present"
    assert harness.receive({"type": "SESSION_DELETED", "timestamp": T0 + 6_000}) == [
        Emit(Deleted())
    ]


def test_a_refused_client_makes_no_more_requests() -> None:
    harness = Harness("supabase")
    harness.logic.refused(ApiError(403, "FORBIDDEN"))
    assert harness.logic.existence == "refused"
    assert harness.logic.tick(100_000, T0 + 100_000) == []


@pytest.mark.parametrize("owner", [{"participant_id": "ada"}, {"group_id": "red"}])
def test_the_end_of_a_period_is_emitted(owner: dict[str, str]) -> None:
    message = {"type": "PERIOD_ENDED", "periods_left": 4, **owner}
    expected = PeriodEnded(owner.get("participant_id"), owner.get("group_id"), 4)
    assert Harness().receive(message) == [Emit(expected)]
