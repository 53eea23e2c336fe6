"""The letters of join codes."""

from collections import Counter

import pytest

from shared.application.join_letters import ALPHABET, LENGTH, letters_of, new_letters


def test_no_letter_looks_like_another_or_makes_words() -> None:
    assert not set(ALPHABET) & set("AEIOULQ")
    assert len(set(ALPHABET)) == len(ALPHABET) == 19
    assert len(ALPHABET) ** LENGTH == 47_045_881  # docs/security.md


def test_new_codes_use_all_letters_at_all_places() -> None:
    codes = [new_letters() for _ in range(2_000)]
    for place in range(LENGTH):
        assert set(Counter(code[place] for code in codes)) == set(ALPHABET)
    assert all(letters_of(code) == code for code in codes)


@pytest.mark.parametrize("typed", ["BCDFGH", "bcdfgh", " bcd fgh ", "bcd-FGH", "b c d f g h"])
def test_case_spaces_and_hyphens_are_ignored(typed: str) -> None:
    assert letters_of(typed) == "BCDFGH"


@pytest.mark.parametrize(
    "typed", ["", "BCDFG", "BCDFGHJ", "BCDFGA", "BCDFG1", "BCDFGÄ", "\uff22CDFGH"]
)
def test_other_text_is_no_code(typed: str) -> None:
    assert letters_of(typed) is None
