"""The cache of decoded sessions of an instance."""

from dataclasses import replace

import pytest

from shared.domain.session import Session, SyncMode
from shared.domain.units import Instant
from shared.ports import Stored
from shared.snapshot import encode_session
from shared.store import recent
from shared.store.recent import RecentSessions

_SESSION = Session("a session", SyncMode.COUNT_UP, Instant(1), Instant(1))


def test_the_state_of_a_known_write_is_not_decoded_again() -> None:
    kept = RecentSessions()
    first = kept.decoded("a", b"0001", encode_session(_SESSION))
    assert first == Stored(_SESSION, "0001")
    assert kept.decoded("a", b"0001 0000", b"cannot be decoded") is first


def test_another_write_of_the_session_is_decoded() -> None:
    kept = RecentSessions()
    kept.keep("a", Stored(_SESSION, "0001"), 100)
    newer = replace(_SESSION, version=2)
    assert kept.decoded("a", b"0002 0001", encode_session(newer)) == Stored(newer, "0002")


def test_an_older_write_is_decoded_if_the_store_went_back_to_it() -> None:
    kept = RecentSessions()
    kept.keep("a", Stored(replace(_SESSION, version=2), "0002"), 100)
    assert kept.decoded("a", b"0001", encode_session(_SESSION)) == Stored(_SESSION, "0001")


@pytest.mark.parametrize(("operations", "state"), [(None, None), (b"0001", None)])
def test_a_session_that_is_not_in_the_store_is_not_found(
    operations: bytes | None, state: bytes | None
) -> None:
    kept = RecentSessions()
    kept.keep("a", Stored(_SESSION, "0001"), 100)
    assert kept.decoded("a", operations, state) is None


def test_the_size_of_the_cache_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recent, "_MOST_BYTES", 250)
    kept = RecentSessions()
    for name in ("a", "b", "c"):
        kept.keep(name, Stored(_SESSION, "0001"), 100)
    assert [kept.knows(name, b"0001") for name in ("a", "b", "c")] == [False, True, True]
    kept.keep("d", Stored(_SESSION, "0001"), 251)
    assert not kept.knows("d", b"0001")
    kept.drop("b")
    kept.keep("e", Stored(_SESSION, "0001"), 100)
    assert [kept.knows(name, b"0001") for name in ("b", "c", "e")] == [False, True, True]


def test_the_least_recently_used_session_is_dropped_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(recent, "_MOST_BYTES", 250)
    kept = RecentSessions()
    kept.keep("a", Stored(_SESSION, "0001"), 100)
    kept.keep("b", Stored(_SESSION, "0001"), 100)
    assert kept.decoded("a", b"0001", b"state")
    kept.keep("c", Stored(_SESSION, "0001"), 100)
    assert [kept.knows(name, b"0001") for name in ("a", "b", "c")] == [True, False, True]
