"""What a request costs: round trips to the store, connections, messages."""

import pytest
from redis import Redis
from redis.client import PubSub

from functions.sessions import create, read, switch
from infra.local.upstash import LocalUpstash
from shared.ports import Wakeup
from tests.functions.inspection import Story
from tests.functions.lambda_process import Process, fresh_process
from tests.functions.recording_aws import RecordingAws


def switched(process: Process, session_id: str) -> None:
    """Switch the game."""
    answer = process.request(switch.handler, "POST", f"/v1/sessions/{session_id}/switch")
    assert answer.status == 200, answer.body


def looked_at(process: Process, session_id: str) -> None:
    """Read the game."""
    answer = process.request(read.handler, "GET", f"/v1/sessions/{session_id}")
    assert answer.status == 200, answer.body


@pytest.fixture
def game(environment: None) -> str:
    """A running game, made by functions that are gone."""
    with fresh_process() as earlier:
        return earlier.game()


def test_a_switch_takes_two_round_trips_the_first_as_every_other(
    game: str, process: Process, upstash: LocalUpstash
) -> None:
    paths = []
    for _ in range(2):
        upstash.requests.clear()
        switched(process, game)
        paths.append([asked.path for asked in upstash.requests])
    assert paths == [["/pipeline", "/"]] * 2


def test_a_read_takes_one_round_trip_the_first_as_every_other(
    game: str, process: Process, upstash: LocalUpstash
) -> None:
    upstash.requests.clear()
    looked_at(process, game)
    looked_at(process, game)
    assert [asked.path for asked in upstash.requests] == ["/pipeline"] * 2


def test_a_script_that_the_store_has_forgotten_costs_one_round_trip_once(
    game: str, process: Process, upstash: LocalUpstash, redis: Redis
) -> None:
    redis.script_flush()
    counts = []
    for _ in range(2):
        upstash.requests.clear()
        switched(process, game)
        counts.append(len(upstash.requests))
    assert counts == [3, 2]


def test_invocations_share_one_connection_and_one_loop(
    game: str, process: Process, upstash: LocalUpstash
) -> None:
    before = upstash.connections
    looked_at(process, game)
    loop = process.instance.loop
    switched(process, game)
    looked_at(process, game)
    assert upstash.connections - before == 1
    assert process.instance.loop is loop


def test_a_connection_that_died_while_idle_is_replaced(
    game: str, process: Process, upstash: LocalUpstash
) -> None:
    looked_at(process, game)
    before = upstash.connections
    upstash.stop()
    upstash.start()
    switched(process, game)
    assert upstash.connections - before == 1


@pytest.mark.parametrize(("pubsub", "published"), [("off", False), ("on", True)])
def test_changes_are_published_only_where_somebody_listens(
    monkeypatch: pytest.MonkeyPatch, process: Process, redis: Redis, pubsub: str, published: bool
) -> None:
    monkeypatch.setenv("PUBSUB", pubsub)
    with PubSub(redis.connection_pool) as listener:
        listener.psubscribe("*")
        switched(process, process.game())
        redis.publish("the-end", "")
        messages = listener.listen()  # type: ignore[no-untyped-call] # the library's own fault
        heard = next(m["channel"] for m in messages if m["type"] == "pmessage")
    assert (heard != b"the-end") is published


def test_an_alarm_is_sent_with_the_start_and_not_with_every_switch(
    process: Process, story: Story
) -> None:
    session_id = process.game()
    ((alarm, _),) = story.alarms
    assert alarm == Wakeup(session_id, story.wakes_at(session_id))
    switched(process, session_id)
    assert len(story.alarms) == 1


def test_the_outbox_is_announced_when_it_is_empty_no_more_and_not_again(
    process: Process, story: Story
) -> None:
    switched(process, process.game())
    assert len(story.nudges) == 1


def test_a_change_is_answered_though_the_queues_hang(
    process: Process, container_credentials: RecordingAws
) -> None:
    container_credentials.credentials_after_s = container_credentials.answers_after_s = 0.7
    answer = process.request(create.handler, "POST", "/v1/sessions", {"sync_mode": "count_up"})
    assert answer.status == 201, answer.body
    assert len(container_credentials.kept) == 1


def test_limits_are_counted_on_the_way_to_the_session(
    game: str, process: Process, upstash: LocalUpstash
) -> None:
    upstash.requests.clear()
    switched(process, game)
    looked_at(process, game)
    asked = [[name for name, *_ in asked.commands] for asked in upstash.requests]
    assert asked == [
        ["eval", "eval", "hmget", "time"],
        ["evalsha"],
        ["eval", "hmget", "time"],
    ]


def test_without_limits_nothing_is_counted(
    monkeypatch: pytest.MonkeyPatch, game: str, process: Process, upstash: LocalUpstash
) -> None:
    for name in ("RATE_LIMIT_GENERAL", "RATE_LIMIT_SERVICE", "RATE_LIMIT_SWITCH"):
        monkeypatch.setenv(name, "0")
    upstash.requests.clear()
    switched(process, game)
    asked = [[name for name, *_ in asked.commands] for asked in upstash.requests]
    assert asked == [["hmget", "time"], ["evalsha"]]


def test_what_is_known_to_exceed_a_limit_is_refused_without_a_round_trip(
    monkeypatch: pytest.MonkeyPatch, game: str, process: Process, upstash: LocalUpstash
) -> None:
    monkeypatch.setenv("RATE_LIMIT_GENERAL", "2")  # as many as the game took to be made
    upstash.requests.clear()
    path = f"/v1/sessions/{game}/switch"
    answers = [process.request(switch.handler, "POST", path) for _ in range(3)]
    assert [answer.status for answer in answers] == [429] * 3
    assert [asked.path for asked in upstash.requests] == ["/pipeline"]
