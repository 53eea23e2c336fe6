"""Ids of participants and groups: which texts are accepted, and how they are compared."""

import pytest

from shared.domain.ids import normalized_id


@pytest.mark.parametrize(
    "value",
    [
        "a",
        "alice@example.com",
        "Alice@example.com",
        "Ünïcode/✓",
        "a b",
        "a/b?c#d%2F",
        "😀" * 64,
        "\N{WOMAN}\N{ZERO WIDTH JOINER}\N{PERSONAL COMPUTER}",
        "AAAAAAAA-BBBB-4CCC-8DDD-EEEEEEEEEEE",
        "{AAAAAAAA-BBBB-4CCC-8DDD-EEEEEEEEEEEE}",
        "AAAAAAAABBBB4CCC8DDDEEEEEEEEEEEE",
    ],
)
def test_an_id_that_is_no_uuid_is_compared_exactly_as_it_is(value: str) -> None:
    assert normalized_id(value) == value


def test_a_uuid_is_compared_in_lower_case() -> None:
    upper = "AAAAAAAA-BBBB-4CCC-8DDD-EEEEEEEEEEEE"
    assert normalized_id(upper) == upper.lower()


@pytest.mark.parametrize(
    "value",
    [
        "",
        " ",
        " a",
        "a ",
        "a\N{NO-BREAK SPACE}",
        "a" * 65,
        "😀" * 65,
        "a\0",
        "a\nb",
        "a\n",
        "\x1f",
        "a\x7f",
        "a\x85b",
        "a\u2028b",
        "\ud800",
    ],
)
def test_a_text_that_is_too_long_or_not_printable_is_no_id(value: str) -> None:
    assert normalized_id(value) is None
