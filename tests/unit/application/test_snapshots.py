"""Snapshots of large sessions: any version is read from at most two of them."""

from collections.abc import Iterator

import msgspec
import pytest
from hypothesis import given

from shared.application import session_parts, snapshots
from shared.application.ports.commit import SnapshotDifference, StoredSession, WholeSnapshot
from shared.application.session_encoding import encode_session
from shared.application.snapshots import completed, decode_state, snapshots_of, state_from_json
from shared.domain.commands import AdjustClocks, RemoveParticipant, Start, Switch
from shared.domain.events import SessionChange
from shared.domain.session import Session
from shared.domain.transition import transition
from shared.domain.units import Instant, Millis
from tests.fuzz.extent import extent
from tests.support.large_sessions import commits_of, large_session
from tests.unit.domain.random_games import RandomSession, opened, random_sessions, run_commands

_MOST_VERSIONS = 4


@pytest.fixture
def small_limits() -> Iterator[None]:
    """Store sessions with three participants in parts, with a whole snapshot every 4 versions."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(session_parts, "MOST_UNDIVIDED", 2)
        patch.setattr(snapshots, "WHOLE_EVERY", _MOST_VERSIONS)
        yield


@pytest.mark.usefixtures("small_limits")
@extent(short=40, full=2_000)
@given(random_sessions())
def test_every_version_is_read_from_at_most_two_snapshots(generated: RandomSession) -> None:
    stored, wholes = StoredSession(opened(generated), "0"), dict[tuple[int, str], Session]()
    for number, run in enumerate(run_commands(generated), start=1):
        changes = [step for step in run.steps if isinstance(step, SessionChange)]
        operation = str(number)
        taken, last_whole = snapshots_of(stored, changes, operation)
        for change, snapshot in zip(changes, taken, strict=True):
            if snapshot is None:
                wholes[change.session.version, operation] = change.session
            else:
                assert change.session.version - snapshot.since < _MOST_VERSIONS
                check_reading(snapshot, wholes[snapshot.base], change.session)
        stored = StoredSession(run.after, operation, last_whole)


def check_reading(snapshot: SnapshotDifference, whole: Session, expected: Session) -> None:
    """Check that the snapshot leads to the expected session, read in each form of JSON."""
    raw = msgspec.json.encode(snapshot)
    for state in (decode_state(raw), decode_state(raw.decode()), state_from_json(_parsed(raw))):
        assert isinstance(state, SnapshotDifference)
        assert completed(state, whole) == expected


def _parsed(raw: bytes) -> object:
    return msgspec.json.decode(raw)


def test_a_difference_has_only_what_changed_since_the_whole_snapshot() -> None:
    created = large_session(100)
    ids = [p.participant_id for p in created.session.participants]
    commands = Start(), Switch(ids[40]), RemoveParticipant(ids[7]), Switch(ids[1])
    commits = list(commits_of(created, *commands))
    operation = commits[0].operation_id
    taken = [snapshot for commit in commits for snapshot in commit.snapshots]
    assert taken[0] is None
    for snapshot, changed, removed in zip(
        taken[1:], ((), (0,), (0, 40), (0, 40)), ((), (), (7,), (7,)), strict=True
    ):
        assert snapshot
        assert snapshot.base == (1, operation)
        assert tuple(p.participant_index for p in snapshot.changed) == changed
        assert snapshot.removed == removed


def test_a_change_of_most_participants_leads_to_a_whole_snapshot() -> None:
    commits = list(commits_of(large_session(100), AdjustClocks(add_ms=Millis(1_000)), Start()))
    assert [snapshot is None for commit in commits for snapshot in commit.snapshots] == [
        True,
        True,
        False,
    ]


def test_a_whole_snapshot_comes_at_least_every_fifty_versions() -> None:
    created = large_session(100)
    first, second = [p.participant_id for p in created.session.participants[:2]]
    commits = list(commits_of(created, Start(), *[Switch(second), Switch(first)] * 55))
    whole = [c.changes[0].session.version for c in commits if c.snapshots == [None]]
    assert whole == [1, 51, 101]


def test_a_thousand_changes_of_a_thousand_participants_write_few_bytes() -> None:
    created = large_session(1_000)
    session, stored = created.session, StoredSession(created.session, "0", WholeSnapshot(1, "0"))
    whole, written = len(encode_session(session)), 0
    for number in range(1_000):
        command = Switch() if number else Start()
        change = transition(stored.session, command, Instant(2_000 + number))
        (snapshot,), last_whole = snapshots_of(stored, [change], "1")
        written += len(msgspec.json.encode(snapshot or change.session))
        stored = StoredSession(change.session, "1", last_whole)
    assert whole > 140_000
    assert written < 70 * whole


def test_small_sessions_have_whole_snapshots_only() -> None:
    commits = list(commits_of(large_session(session_parts.MOST_UNDIVIDED), Start(), Switch()))
    assert all(commit.snapshots == [None] for commit in commits)
    assert decode_state(encode_session(commits[2].changes[0].session)) == commits[2].session
