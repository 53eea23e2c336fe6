"""Sessions that are stored in parts: the fields of the hash always have the whole session."""

from collections.abc import Iterator

import pytest
from hypothesis import given

from shared.application import session_parts
from shared.domain.session import Session, Status, SyncMode
from shared.domain.units import Instant
from shared.domain.values import replace
from shared.store.session_fields import (
    Fields,
    SessionWrite,
    decode_fields,
    fields_to_write,
    is_stored_in_parts,
)
from tests.fuzz.extent import extent
from tests.support.large_sessions import participant
from tests.unit.domain.random_games import RandomSession, opened, random_sessions, run_commands

_EMPTY = Session(
    session_id="a session",
    sync_mode=SyncMode.COUNT_UP,
    created_at=Instant(1),
    updated_at=Instant(1),
    version=1,
    status=Status.PENDING,
)


@pytest.fixture(scope="module", autouse=True)
def _few_undivided() -> Iterator[None]:
    """Store sessions with three participants in parts, so that random games cross the limit."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(session_parts, "MOST_UNDIVIDED", 2)
        yield


def with_indexes(*indexes: int) -> Session:
    return replace(_EMPTY, participants=tuple(map(participant, indexes)))


def stored(fields: Fields, write: SessionWrite) -> Fields:
    """Return the fields of the hash after `write`, which must be possible on `fields`."""
    assert len(fields) >= write.least_fields
    written = {**fields, b"state": write.state, b"operations": b"0001"} | dict(write.participants)
    return {name: value for name, value in written.items() if name not in write.removed}


@extent(short=40, full=2_000)
@given(random_sessions())
def test_random_changes_read_back_as_the_whole_session(generated: RandomSession) -> None:
    session = opened(generated)
    fields = stored({}, fields_to_write(None, session))
    for run in run_commands(generated):
        fields = stored(fields, fields_to_write(session, run.after))
        session = run.after
        found = decode_fields(fields)
        assert found
        assert found.session == session
        parts = len(session.participants) if is_stored_in_parts(fields) else 0
        assert len(fields) == 2 + parts


def test_only_changed_new_and_removed_participants_are_written() -> None:
    before = with_indexes(0, 2, 4, 10)
    equal_copy, _, last, added = map(participant, (2, 4, 10, 7))
    after = replace(
        before,
        version=2,
        participants=(before.participants[0], equal_copy, added, replace(last, cycle_count=1)),
    )
    write = fields_to_write(before, after)
    assert [name for name, _ in write.participants] == [b"p7", b"p10"]
    assert list(write.removed) == [b"p4"]
    assert write.least_fields == 4


def test_all_participants_are_written_when_the_session_becomes_divided() -> None:
    write = fields_to_write(with_indexes(0, 1), with_indexes(0, 1, 2))
    assert [name for name, _ in write.participants] == [b"p0", b"p1", b"p2"]
    assert write.least_fields == 0


@pytest.mark.parametrize("after", [with_indexes(0, 1), None])
def test_all_parts_are_removed_when_the_session_is_divided_no_more(after: Session | None) -> None:
    write = fields_to_write(with_indexes(0, 1, 2), after)
    assert (list(write.participants), list(write.removed)) == ([], [b"p0", b"p1", b"p2"])


def test_a_hash_without_some_participants_is_not_decoded() -> None:
    fields = dict(stored({}, fields_to_write(None, with_indexes(0, 1, 2))))
    del fields[b"p1"]
    with pytest.raises(ValueError, match="3 participants has 2"):
        decode_fields(fields)
