"""Pushes of sessions with many individual clocks: what Redis gets, and what clients get."""

import json
from typing import Any

import pytest

from shared.application.commit_builder import ChangeContext, build_commit
from shared.application.ports.commit import Commit, Origin, StoredSession
from shared.application.ports.push_message import PushMessage
from shared.application.push_messages import with_state
from shared.application.rendered_pushes import RenderedPushes
from shared.domain import commands as c
from shared.domain.session import Session
from shared.domain.settlement import settle
from shared.domain.transition import transition
from shared.domain.units import Instant, Millis
from shared.realtime.listener import Push
from tests.unit.application.test_state_differences import exam


def finish(before: Session, who: str, after_ms: int = 10) -> Commit:
    now = Instant(before.updated_at + after_ms)
    change = transition(before, c.FinishParticipant(who), now)
    stored = StoredSession(before, "revision")
    return build_commit(stored, [change], now, ChangeContext(Origin("host"))).commit


def after(commit: Commit) -> Session:
    assert commit.session
    return commit.session


def shown(message: bytes) -> dict[str, Any]:
    decoded: dict[str, Any] = json.loads(message)
    return decoded


def test_a_change_of_one_of_many_is_published_without_the_state_of_all() -> None:
    before = exam(1_000)
    (push,) = finish(before, "p3").pushes
    published, whole = shown(push.published), shown(push.whole)
    assert push.is_reduced
    assert published["type"] == "STATE_DIFFERENCE"
    assert published["state"] == {"version": before.version + 1}
    assert [p["participant_id"] for p in published["difference"]["state"]["participants"]] == ["p3"]
    assert whole["type"] == "STATE_UPDATE"
    assert len(whole["state"]["participants"]) == 1_000
    assert whole["difference"] == published["difference"]
    assert len(push.published) * 100 < len(push.whole)


def test_a_change_of_a_small_session_is_published_as_clients_get_it() -> None:
    (push,) = finish(exam(64), "p3").pushes
    assert not push.is_reduced
    assert push.published is push.whole
    assert len(shown(push.published)["state"]["participants"]) == 64


def test_an_expiry_is_published_before_the_difference_that_shows_it() -> None:
    before = exam(70)
    now = Instant(before.updated_at + 30)
    adjusted = transition(
        before, c.AdjustClocks(c.ClockTarget(participants=("p1",)), set_ms=Millis(1_000)), now
    ).session
    now = Instant(now + 1_000)
    steps = list(settle(adjusted, now))
    stored = StoredSession(adjusted, "revision")
    pushes = build_commit(stored, steps, now, ChangeContext(Origin("system"))).commit.pushes
    assert [(shown(one.published)["type"], one.is_reduced) for one in pushes] == [
        ("TIME_EXPIRED", False),
        ("STATE_DIFFERENCE", True),
    ]


def test_the_state_that_another_instance_reads_makes_the_same_message() -> None:
    commit = finish(exam(70), "p3")
    (push,) = commit.pushes
    passed_on = Push.of(push.published)
    later = Instant(after(commit).updated_at + 500)
    assert shown(with_state(passed_on.text, after(commit), later)) == shown(push.whole)


def test_a_newer_state_is_shown_at_its_own_time_without_the_old_difference() -> None:
    first = finish(exam(70), "p3")
    second = after(finish(after(first), "p4"))
    later = Instant(second.updated_at + 500)
    update = shown(with_state(Push.of(first.pushes[0].published).text, second, later))
    assert update["state"]["version"] == second.version
    assert update["timestamp"] == update["state"]["server_time_ms"] == later
    assert "difference" not in update
    assert "version" not in update


def reduced(number: int) -> PushMessage:
    return PushMessage(b"%d" % number, lambda: b"whole %d" % number)


@pytest.fixture
def rendered() -> RenderedPushes:
    found = RenderedPushes()
    found.wants = lambda name: name == "wanted"
    return found


def test_a_rendered_push_is_kept_until_its_difference_arrives(rendered: RenderedPushes) -> None:
    rendered.keep("wanted", [PushMessage(b"expired"), reduced(1)])
    assert rendered.take("wanted", b"expired") is None
    assert rendered.take("wanted", b"1") == b"whole 1"
    assert rendered.take("wanted", b"1") is None


def test_pushes_that_nobody_wants_or_that_were_refused_are_not_kept(
    rendered: RenderedPushes,
) -> None:
    rendered.keep("other", [reduced(1)])
    rendered.keep("wanted", [reduced(2)])
    rendered.discard("wanted", [reduced(2)])
    assert rendered.take("other", b"1") is None
    assert rendered.take("wanted", b"2") is None


def test_sessions_of_two_tenants_with_one_id_keep_their_own_pushes() -> None:
    rendered = RenderedPushes()
    rendered.wants = lambda _: True
    rendered.keep("a:one-id", [PushMessage(b"same", lambda: b"whole of a")])
    rendered.keep("b:one-id", [PushMessage(b"same", lambda: b"whole of b")])
    assert rendered.take("a:one-id", b"same") == b"whole of a"
    assert rendered.take("b:one-id", b"same") == b"whole of b"


def test_a_bounded_number_of_pushes_is_kept(rendered: RenderedPushes) -> None:
    for number in range(20):
        rendered.keep("wanted", [reduced(number)])
    found = [number for number in range(20) if rendered.take("wanted", b"%d" % number)]
    assert found == list(range(12, 20))
