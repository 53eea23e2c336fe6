"""Functions push to Supabase Realtime before they answer, and never fail because of it."""

from collections.abc import Iterator
from time import monotonic
from typing import Any

import pytest
from redis import Redis

from functions.service import console
from functions.sessions import delete, read, switch
from functions.workers import audit, expire
from infra.local.supabase import PUBLISHABLE_KEY, SECRET_KEY
from infra.local.upstash import LocalUpstash
from shared.alarms.sqs import encode_alarm
from shared.ports import Wakeup
from shared.store.keys import Keys
from tests.functions.inspection import Story
from tests.functions.lambda_process import Process, fresh_process
from tests.functions.recording_aws import RecordingAws
from tests.support.broadcast_server import BroadcastServer, broadcast_server
from tests.support.shifted_clock import ShiftedClock

_KEYS = Keys()
_PROJECT = {"SUPABASE_SERVICE_ROLE_KEY": SECRET_KEY, "SUPABASE_PUBLISHABLE_KEY": PUBLISHABLE_KEY}


@pytest.fixture(scope="module")
def realtime_server() -> Iterator[BroadcastServer]:
    """One for all tests here."""
    with broadcast_server() as server:
        yield server


@pytest.fixture
def realtime(
    realtime_server: BroadcastServer, environment: None, monkeypatch: pytest.MonkeyPatch
) -> Iterator[BroadcastServer]:
    """It works, has heard nothing, and is what functions push to; there is no API beside it."""
    realtime_server.begin()
    for name, value in {"SUPABASE_URL": realtime_server.url, **_PROJECT}.items():
        monkeypatch.setenv(name, value)
    yield realtime_server
    realtime_server.release()


@pytest.fixture
def game(realtime: BroadcastServer) -> str:
    """A running game, made by functions that are gone."""
    with fresh_process() as earlier:
        session_id = earlier.game()
    realtime.begin()
    return session_id


def switched(process: Process, session_id: str) -> int:
    """Switch the game; returns its version."""
    answer = process.request(switch.handler, "POST", f"/v1/sessions/{session_id}/switch")
    assert answer.status == 200, answer.body
    return int(answer.json["data"]["version"])


def owed(redis: Redis) -> dict[str, float]:
    """The sessions that are owed a push."""
    found: Any = redis.zrange(_KEYS.owed_pushes(_KEYS.all_shards[0]), 0, -1, withscores=True)
    return {name.decode(): score for name, score in found}


def told(realtime: BroadcastServer) -> list[list[tuple[str, int | None]]]:
    """What was pushed."""
    return [sent.told for sent in realtime.sent]


def test_a_change_is_pushed_before_it_is_answered(
    realtime: BroadcastServer, process: Process
) -> None:
    session_id = process.game()
    switched(process, session_id)
    assert told(realtime) == [[("STATE_UPDATE", version)] for version in (1, 2, 3)]
    process.request(delete.handler, "DELETE", f"/v1/sessions/{session_id}")
    assert told(realtime)[3:] == [[("SESSION_DELETED", None)]]
    topics = {message["topic"] for sent in realtime.sent for message in sent.messages}
    assert topics == {f"session:{session_id}"}


def test_a_push_costs_no_round_trip_to_the_store(
    game: str, realtime: BroadcastServer, process: Process, upstash: LocalUpstash
) -> None:
    for _ in range(2):
        upstash.requests.clear()
        switched(process, game)
        assert [asked.path for asked in upstash.requests] == ["/pipeline", "/"]
    assert len(realtime.sent) == 2


def test_a_read_pushes_nothing(game: str, realtime: BroadcastServer, process: Process) -> None:
    assert process.request(read.handler, "GET", f"/v1/sessions/{game}").status == 200
    assert realtime.sent == []


def test_a_flag_that_falls_is_pushed_with_the_state_it_led_to(
    game: str,
    realtime: BroadcastServer,
    process: Process,
    story: Story,
    store_clock: ShiftedClock,
) -> None:
    alarm = encode_alarm(Wakeup(game, story.wakes_at(game)))
    store_clock.ahead_s = 61
    assert process.deliver(expire.handler, alarm, alarm) == []
    assert told(realtime) == [[("TIME_EXPIRED", None), ("STATE_UPDATE", 3)]]


def test_connections_are_kept_from_one_invocation_to_the_next(
    game: str, realtime: BroadcastServer, process: Process
) -> None:
    for _ in range(3):
        switched(process, game)
    assert len({sent.client_port for sent in realtime.sent}) == 1


@pytest.mark.parametrize("status", [401, 429, 500])
def test_a_failure_fails_no_request_is_noted_and_calls_the_worker(
    game: str,
    realtime: BroadcastServer,
    process: Process,
    story: Story,
    upstash: LocalUpstash,
    redis: Redis,
    status: int,
) -> None:
    realtime.status = status
    upstash.requests.clear()
    before = len(story.nudges)
    assert switched(process, game) == 3
    assert [asked.path for asked in upstash.requests] == ["/pipeline", "/", "/pipeline"]
    assert owed(redis).keys() == {game}
    (nudge,) = story.nudges[before:]
    assert nudge.delay_s == 1


def test_a_change_is_answered_though_supabase_hangs_and_the_queues_too(
    game: str,
    realtime: BroadcastServer,
    process: Process,
    container_credentials: RecordingAws,
    redis: Redis,
) -> None:
    container_credentials.credentials_after_s = container_credentials.answers_after_s = 0.7
    realtime.hold()
    began = monotonic()
    assert switched(process, game) == 3
    assert monotonic() - began < 1.2
    assert owed(redis).keys() == {game}


def test_a_change_is_answered_though_supabase_is_not_there(
    game: str, realtime: BroadcastServer, process: Process, redis: Redis
) -> None:
    realtime.stop()
    assert switched(process, game) == 3
    assert owed(redis).keys() == {game}


def test_the_audit_function_makes_up_for_it_about_a_second_later_though_there_is_no_trail(
    game: str, realtime: BroadcastServer, process: Process, redis: Redis
) -> None:
    """What would be the trail answers 404 here; so the run fails, but not before that is done."""
    realtime.status = 500
    assert (switched(process, game), switched(process, game)) == (3, 4)
    realtime.begin()
    with pytest.raises(Exception, match="audit"):
        process.fire(audit.handler)
    assert told(realtime) == [[("STATE_SYNC", 4)]]
    assert owed(redis) == {}


def test_what_is_still_failing_is_left_to_the_next_minute(
    game: str, realtime: BroadcastServer, process: Process, redis: Redis
) -> None:
    realtime.status = 500
    switched(process, game)
    redis.zadd(_KEYS.owed_pushes(_KEYS.all_shards[0]), {game: 1024 + 3})
    with pytest.raises(Exception, match="audit"):
        process.fire(audit.handler)
    assert len(realtime.sent) == 2
    ((name, score),) = owed(redis).items()
    assert (name, score % 1024) == (game, 4)


def test_an_instance_that_is_restored_opens_a_connection_of_its_own(
    realtime: BroadcastServer, process: Process
) -> None:
    session_id = process.game()
    process.instance.before_snapshot()
    process.instance.after_restore()
    switched(process, session_id)
    switched(process, session_id)
    ports = [sent.client_port for sent in realtime.sent]
    assert ports[0] == ports[1] != ports[2] == ports[3]


def test_no_more_are_pushed_than_may_be(
    realtime: BroadcastServer, monkeypatch: pytest.MonkeyPatch, process: Process, redis: Redis
) -> None:
    monkeypatch.setenv("REALTIME_RATE_LIMIT", "1")
    session_id = process.game()
    assert told(realtime) == [[("STATE_UPDATE", 1)]]
    assert owed(redis).keys() == {session_id}


def test_without_a_key_for_clients_nothing_is_pushed(
    realtime: BroadcastServer, monkeypatch: pytest.MonkeyPatch, process: Process
) -> None:
    monkeypatch.delenv("SUPABASE_PUBLISHABLE_KEY")
    process.game()
    assert realtime.sent == []
    assert process.instance.backend.pushes is None


def test_a_function_that_may_not_push_starts_all_the_same(
    realtime: BroadcastServer, monkeypatch: pytest.MonkeyPatch, process: Process
) -> None:
    monkeypatch.delenv("SUPABASE_SERVICE_ROLE_KEY")
    assert process.request(console.handler, "GET", "/").status == 200
