"""The cache of decoded sessions of an instance."""

import pytest

from shared.application.ports.commit import StoredSession
from shared.application.session_encoding import encode_session
from shared.domain.session import Session, Status, SyncMode
from shared.domain.units import Instant
from shared.domain.values import replace
from shared.store import session_cache
from shared.store.session_cache import SessionCache

_SESSION = Session(
    session_id="a session",
    sync_mode=SyncMode.COUNT_UP,
    created_at=Instant(1),
    updated_at=Instant(1),
    version=1,
    status=Status.PENDING,
)

_AT_0001 = {b"operations": b"0001", b"state": b"any"}


def _fields(operations: bytes, state: bytes) -> dict[bytes, bytes]:
    return {b"operations": operations, b"state": state}


def test_the_state_of_a_known_write_is_not_decoded_again() -> None:
    kept = SessionCache()
    first = kept.decoded("a", _fields(b"0001", encode_session(_SESSION)))
    assert first == StoredSession(_SESSION, "0001")
    assert kept.decoded("a", _fields(b"0001 0000", b"cannot be decoded")) is first


def test_another_write_of_the_session_is_decoded() -> None:
    kept = SessionCache()
    kept.keep("a", StoredSession(_SESSION, "0001"), 100)
    newer = replace(_SESSION, version=2)
    assert kept.decoded("a", _fields(b"0002 0001", encode_session(newer))) == StoredSession(
        newer, "0002"
    )


def test_an_older_write_is_decoded_if_the_store_went_back_to_it() -> None:
    kept = SessionCache()
    kept.keep("a", StoredSession(replace(_SESSION, version=2), "0002"), 100)
    assert kept.decoded("a", _fields(b"0001", encode_session(_SESSION))) == StoredSession(
        _SESSION, "0001"
    )


@pytest.mark.parametrize("fields", [{}, {b"operations": b"0001"}])
def test_a_session_that_is_not_in_the_store_is_not_found(fields: dict[bytes, bytes]) -> None:
    kept = SessionCache()
    kept.keep("a", StoredSession(_SESSION, "0001"), 100)
    assert kept.decoded("a", fields) is None


def test_the_size_of_the_cache_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_cache, "_MOST_BYTES", 250)
    kept = SessionCache()
    for name in ("a", "b", "c"):
        kept.keep(name, StoredSession(_SESSION, "0001"), 100)
    assert [bool(kept.known(name, _AT_0001)) for name in ("a", "b", "c")] == [False, True, True]
    kept.keep("d", StoredSession(_SESSION, "0001"), 251)
    assert not kept.known("d", _AT_0001)
    kept.drop("b")
    kept.keep("e", StoredSession(_SESSION, "0001"), 100)
    assert [bool(kept.known(name, _AT_0001)) for name in ("b", "c", "e")] == [False, True, True]


def test_the_least_recently_used_session_is_dropped_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(session_cache, "_MOST_BYTES", 250)
    kept = SessionCache()
    kept.keep("a", StoredSession(_SESSION, "0001"), 100)
    kept.keep("b", StoredSession(_SESSION, "0001"), 100)
    assert kept.decoded("a", _fields(b"0001", b"state"))
    kept.keep("c", StoredSession(_SESSION, "0001"), 100)
    assert [bool(kept.known(name, _AT_0001)) for name in ("a", "b", "c")] == [True, False, True]
