"""Entity tags and their comparison (RFC 9110 section 8.8.3)."""

import time

import pytest

from shared.http.etags import etag, if_match_tags, matches_if_none_match


def test_a_tag_is_the_version_in_quotes() -> None:
    assert etag(7) == '"7"'


@pytest.mark.parametrize(
    ("fields", "tags"),
    [
        ([], None),
        (["*"], None),
        (['"7"'], {"7"}),
        (['"7", "8"'], {"7", "8"}),
        (['"7"', '"8"'], {"7", "8"}),
        (['"a,b" ,, "8"'], {"a,b", "8"}),
        (['W/"7"'], set()),
        (['w/"7"'], set()),
        (["7"], set()),
        (['"7" "8"'], set()),
        (['"7", *'], set()),
        ([""], set()),
    ],
)
def test_if_match_compares_strongly(fields: list[str], tags: set[str] | None) -> None:
    assert if_match_tags(fields) == tags


@pytest.mark.parametrize(
    ("fields", "known"),
    [
        ([], False),
        (["*"], True),
        (['"7"'], True),
        (['W/"7"'], True),
        (['"6", "7"'], True),
        (['"6"', 'W/"7"'], True),
        (['"8"'], False),
        (['"6,"7""'], False),
        (['"a", *'], False),
        (["7"], False),
    ],
)
def test_if_none_match_compares_weakly(fields: list[str], known: bool) -> None:
    assert matches_if_none_match(fields, 7) is known


def test_a_long_malformed_list_of_tags_is_parsed_in_linear_time() -> None:
    """It takes under 1 ms of processor time; in quadratic time it would take over a minute."""
    began = time.thread_time()
    assert matches_if_none_match(['"1",' + " " * 240_000 + "x"], 1) is False
    assert time.thread_time() - began < 10
