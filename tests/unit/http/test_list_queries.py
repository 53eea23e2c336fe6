"""Cursors and filters of lists of sessions."""

from uuid import uuid4

import pytest

from shared.application.ports.listed_sessions import ListPosition, ListSpan, Scalar
from shared.domain.session import Status, SyncMode
from shared.domain.units import Instant
from shared.http.list_queries import ListQuery, decode_cursor, encode_cursor


@pytest.mark.parametrize("created_at", [0, 1_769_851_805_123, 253_402_300_799_999])
def test_a_cursor_is_the_position_that_it_was_made_from(created_at: int) -> None:
    position = ListPosition(Instant(created_at), str(uuid4()))
    cursor = encode_cursor(position)
    assert decode_cursor(cursor) == position
    query = ListQuery.model_validate({"after": cursor})
    assert query.span.before == position


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("a", ("a",)),
        ("7", ("7", 7)),
        ("-0.5", ("-0.5", -0.5)),
        ("true", ("true", True)),
        ("null", ("null",)),
        ('"a"', ('"a"',)),
        ("[1]", ("[1]",)),
        ("1e999", ("1e999",)),
        ("", ("",)),
    ],
)
def test_text_in_a_query_means_a_string_number_or_boolean(
    text: str, values: tuple[Scalar, ...]
) -> None:
    query = ListQuery.model_validate({"metadata.room": text})
    assert query.wanted.metadata == {"room": values}
    assert [*map(type, query.wanted.metadata["room"])] == [*map(type, values)]


def test_a_query_has_all_conditions() -> None:
    query = ListQuery.model_validate(
        {"status": "running", "mode": "global", "created_after": "1000", "metadata.a.b": "c"}
    )
    assert (query.wanted.status, query.wanted.sync_mode) == (Status.RUNNING, SyncMode.GLOBAL)
    assert query.wanted.metadata == {"a.b": ("c",)}
    assert query.span == ListSpan(50, None, Instant(1001))
    assert ListQuery.model_validate({}).wanted.admits_all
