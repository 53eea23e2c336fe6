"""What a client does with what comes, and with what doesn't."""

from typing import Any

import pytest
from synckairos.effects import Effect, Emit, Ping, Read, Reconnect, Resync
from synckairos.errors import ApiError
from synckairos.events import Deleted, Update
from synckairos.follower import Follower
from synckairos.states import Kind

from tests.clients.states import T0, pong, session, stamp, sync, update

READ, PING, RESYNC, RECONNECT = Read(), Ping(), Resync(), Reconnect()


class Bench:
    """A follower in virtual time, ms, and everything that it asked for."""

    def __init__(self, kind: Kind | None = "websocket", version: int = 2) -> None:
        self.follower = Follower(dice=lambda: 0.5)
        self.now = 0.0
        self.asked: list[Effect] = []
        if kind:
            self.follower.joined(kind, 0)
            if kind == "supabase":
                self.passes(0)
                self.found(version)
                self.asked.clear()
            else:
                self.gets(sync(version))

    def gets(self, message: Any) -> list[Effect]:
        """A transport brings a message; returns what was told or asked at once."""
        return self.note(self.follower.receive(message, self.now))

    def found(self, version: int | None, **more: Any) -> list[Effect]:
        """A read is answered."""
        state = None if version is None else session(version, **more)
        return self.note(self.follower.read_found(state, self.now))

    def note(self, effects: list[Effect]) -> list[Effect]:
        """Keep what was asked for."""
        self.asked += [effect for effect in effects if not isinstance(effect, Emit)]
        return effects

    def passes(self, ms: float) -> list[Effect]:
        """Let time pass, with every tick that falls due; returns what was asked meanwhile."""
        until, before = self.now + ms, len(self.asked)
        while (due := max(self.now, self.follower.due(self.now, T0 + self.now))) <= until:
            self.now = due
            self.note(self.follower.tick(self.now, T0 + self.now))
        self.now = until
        return self.asked[before:]

    def calms(self) -> None:
        """Let the doubt of joining pass."""
        while self.now < 11_000:
            if self.passes(100) == [PING]:
                self.gets(pong(self.version))
            elif self.asked[-1:] == [READ]:
                self.found(None)
            self.asked.clear()

    @property
    def presence(self) -> str:
        """Of the session."""
        return self.follower.presence

    @property
    def version(self) -> int | None:
        """Of the state that is held."""
        return self.follower.state["version"] if self.follower.state else None


def updates(effects: list[Effect]) -> list[Update]:
    return [e.event for e in effects if isinstance(e, Emit) and isinstance(e.event, Update)]


def test_a_newer_state_is_told_with_what_it_follows() -> None:
    bench = Bench()
    (told,) = updates(bench.gets(update(3)))
    assert (told.state["version"], told.previous and told.previous["version"]) == (3, 2)
    assert (told.is_next, told.cause, told.source) == (True, "cycle_switched", "push")


@pytest.mark.parametrize("version", [1, 2])
def test_what_is_not_newer_is_dropped(version: int) -> None:
    bench = Bench()
    assert bench.gets(update(version)) == []
    assert bench.version == 2


def test_a_skipped_version_is_read_for_soon_but_not_at_once() -> None:
    bench = Bench("supabase")
    (told,) = updates(bench.gets(update(4)))
    assert not told.is_next
    assert bench.passes(49) == []
    assert bench.passes(101) == [READ]


def test_a_skipped_version_that_is_only_late_spares_the_read() -> None:
    bench = Bench("supabase")
    bench.gets(update(4))
    bench.gets(update(3))
    assert bench.passes(200) == []


@pytest.mark.parametrize("kind", ["STATE_UPDATE", "STATE_SYNC"])
def test_a_version_without_its_state_is_read_for(kind: str) -> None:
    bench = Bench("supabase")
    assert bench.gets({"type": kind, "version": 3}) == []
    assert bench.passes(150) == [READ]
    assert updates(bench.found(3))


def test_a_read_that_was_overtaken_is_repeated() -> None:
    bench = Bench("supabase")
    bench.gets(update(4))
    assert bench.passes(150) == [READ]
    bench.gets({"type": "STATE_UPDATE", "version": 6})
    bench.found(5)
    assert bench.passes(150) == [READ]


def test_a_switch_that_nothing_tells_of_is_read_for_after_a_moment() -> None:
    bench = Bench("supabase")
    bench.follower.noted(3, bench.now)
    assert bench.passes(249) == []
    assert bench.passes(1) == [READ]


def test_a_switch_whose_push_comes_needs_no_read() -> None:
    bench = Bench()
    bench.follower.noted(3, bench.now)
    bench.gets(update(3))
    assert bench.passes(600) == []


def test_a_transport_in_doubt_is_confirmed_every_700_ms() -> None:
    bench = Bench("supabase")
    for _ in range(3):
        assert bench.passes(699) == []
        assert bench.passes(1) == [READ]
        bench.found(None)


def test_a_socket_is_confirmed_by_a_pong_of_the_same_version() -> None:
    bench = Bench()
    assert bench.passes(700) == [PING]
    bench.gets(pong(2))
    assert bench.passes(699) == []
    assert bench.passes(1) == [PING]


def test_a_pong_of_a_newer_version_asks_for_the_state() -> None:
    bench = Bench()
    bench.passes(700)
    assert bench.gets(pong(3)) == [RESYNC]
    assert updates(bench.gets(sync(3)))
    assert bench.passes(600) == []


@pytest.mark.parametrize("version", [None, 1])
def test_a_pong_that_confirms_nothing_leaves_it_to_a_read(version: int | None) -> None:
    bench = Bench()
    bench.passes(700)
    bench.gets(pong(version))
    assert bench.passes(0) == [READ]


def test_a_ping_without_an_answer_leaves_it_to_a_read() -> None:
    bench = Bench()
    assert bench.passes(1_400) == [PING, READ]


def reads_until_reconnect(bench: Bench, most_ms: int) -> int:
    """How often it reads, each time with success, before it gives the connection up."""
    reads = 0
    for _ in range(most_ms // 50):
        for asked in bench.passes(50):
            if asked == RECONNECT:
                return reads
            if asked == READ:
                reads += 1
                bench.found(None)
    raise AssertionError("it never gave up")


def test_a_socket_that_answers_no_more_is_doubted_and_then_made_anew() -> None:
    bench = Bench()
    bench.gets(update(3, deadline_at=None))
    bench.calms()
    assert reads_until_reconnect(bench, 17_000) >= 3


def test_a_socket_that_missed_one_ping_is_not_made_anew() -> None:
    bench = Bench()
    assert bench.passes(1_400) == [PING, READ]
    bench.found(None)
    for _ in range(60):
        for asked in bench.passes(100):
            assert asked == PING
            bench.gets(pong(2))


def test_doubt_ends_ten_seconds_after_the_last_sign() -> None:
    bench = Bench()
    bench.calms()
    assert bench.passes(5_000) == []
    bench.gets(update(4, deadline_at=None))
    bench.passes(150)
    bench.found(4, deadline_at=None)
    assert bench.passes(700) == [PING]


def test_a_calm_socket_has_a_heartbeat_and_others_are_read_now_and_then() -> None:
    socket, other = Bench(), Bench("sse")
    for bench in (socket, other):
        bench.follower.receive(update(3, deadline_at=None), 0)
        bench.calms()
    assert socket.passes(10_000)[:1] == [PING]
    assert other.passes(15_000) == [READ]


def test_a_deadline_that_no_push_tells_of_is_looked_after() -> None:
    bench = Bench("sse")
    soon = stamp(T0 + 500)
    bench.gets(update(3, deadline_at=soon))
    assert bench.passes(699) == []
    bench.found(None)
    bench.asked.clear()
    assert bench.passes(1) == []
    assert bench.passes(100) == [READ]


def test_few_requests_left_are_made_to_last() -> None:
    bench = Bench("supabase")
    assert bench.passes(700) == [READ]
    bench.follower.spares(19)
    bench.found(None)
    assert bench.passes(2_999) == []
    assert bench.passes(1) == [READ]


def test_where_nothing_is_pushed_it_is_read_about_every_second() -> None:
    bench = Bench(None)
    bench.follower.left("polling", 0)
    assert bench.passes(0) == [READ]
    bench.found(2, deadline_at=None)
    assert bench.passes(700) == []
    assert bench.passes(300) == [READ]


def test_and_as_a_deadline_passes() -> None:
    bench = Bench(None)
    bench.follower.left("polling", 0)
    bench.passes(0)
    bench.found(2, deadline_at=stamp(T0 + 400))
    assert bench.passes(400) == []
    assert bench.passes(100) == [READ]


def test_what_is_over_is_read_seldom() -> None:
    bench = Bench(None)
    bench.follower.left("polling", 0)
    bench.passes(0)
    bench.found(2, deadline_at=None, status="completed")
    assert bench.passes(17_000) == []


def test_a_failed_read_is_repeated_with_patience() -> None:
    bench = Bench("supabase")
    bench.passes(700)
    for least in (100, 200, 400):
        bench.follower.read_failed(bench.now)
        assert bench.passes(least - 1) == []
        assert bench.passes(least + 1) == [READ]
    bench.follower.read_failed(bench.now, retry_after_ms=5_000)
    assert bench.passes(4_999) == []


def test_a_lobby_is_absent_and_looked_at_until_the_session_is_there() -> None:
    bench = Bench(None)
    bench.follower.joined("websocket", 0)
    assert bench.passes(200) == [READ]
    bench.follower.read_missed(bench.now)
    assert bench.presence == "absent"
    assert bench.passes(2_400) == [READ]
    bench.gets(update(1))
    assert bench.presence == "present"


def test_a_miss_that_is_older_than_a_push_says_nothing() -> None:
    bench = Bench(None)
    bench.follower.joined("websocket", 0)
    bench.passes(200)
    bench.gets(update(1))
    assert bench.follower.read_missed(bench.now) == []
    assert bench.follower.presence == "present"


def test_what_was_there_and_is_missing_was_deleted_and_is_told_once() -> None:
    bench = Bench("supabase")
    bench.passes(700)
    assert bench.follower.read_missed(bench.now) == [Emit(Deleted())]
    assert bench.gets({"type": "SESSION_DELETED"}) == []
    assert (bench.follower.presence, bench.follower.state) == ("deleted", None)


def test_a_push_from_before_the_deletion_brings_nothing_back() -> None:
    bench = Bench("supabase")
    bench.gets({"type": "SESSION_DELETED"})
    assert bench.gets(update(3)) == []
    assert bench.follower.presence == "deleted"


def test_a_read_from_before_the_deletion_neither() -> None:
    bench = Bench("supabase")
    bench.passes(700)
    bench.gets({"type": "SESSION_DELETED"})
    assert bench.found(2) == []


def test_a_new_life_begins_anew_whatever_its_version() -> None:
    bench = Bench(version=9)
    (told,) = updates(bench.gets(update(1, created_at=stamp(T0 + 5))))
    assert (told.state["version"], told.is_next) == (1, False)
    assert bench.gets(update(10)) == []


def test_what_is_told_of_an_earlier_session_with_that_id_is_not_of_this_one() -> None:
    bench = Bench("supabase")
    bench.gets(update(3, created_at=stamp(T0 + 5_000)))
    assert bench.gets({"type": "SESSION_DELETED", "timestamp": T0 + 1_000}) == []
    expired = {"type": "TIME_EXPIRED", "deadline_ms": T0 + 1_000, "participant_id": "ada"}
    assert bench.gets({**expired, "action_taken": {"type": "notify"}}) == []
    assert bench.presence == "present"
    assert bench.gets({"type": "SESSION_DELETED", "timestamp": T0 + 6_000}) == [Emit(Deleted())]


def test_one_who_is_refused_asks_for_nothing_more() -> None:
    bench = Bench("supabase")
    bench.follower.refused(ApiError(403, "FORBIDDEN"))
    assert bench.follower.presence == "refused"
    assert bench.follower.tick(100_000, T0 + 100_000) == []
