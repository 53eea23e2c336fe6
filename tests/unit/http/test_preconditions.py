"""Entity tags as RFC 9110 has them."""

import pytest

from shared.http.preconditions import etag, is_known, tags_in


def test_a_tag_is_the_version_in_quotes() -> None:
    assert etag(7) == '"7"'


@pytest.mark.parametrize(
    ("header", "tags"),
    [
        (None, None),
        ("*", None),
        ('"7"', {"7"}),
        ('"7", "8"', {"7", "8"}),
        ('W/"7"', set()),
        ("7", set()),
        ("", set()),
    ],
)
def test_if_match_compares_strongly(header: str | None, tags: set[str] | None) -> None:
    assert tags_in(header) == tags


@pytest.mark.parametrize(
    ("header", "known"),
    [
        (None, False),
        ("*", True),
        ('"7"', True),
        ('W/"7"', True),
        ('"6", "7"', True),
        ('"8"', False),
    ],
)
def test_if_none_match_compares_weakly(header: str | None, known: bool) -> None:
    assert is_known(header, 7) is known
