"""The JSON parser refuses excessive bodies at a cost that their shape doesn't raise."""

import pytest

from shared.http.strict_json import parse_json
from tests.support.excessive_json import EXCESSIVE_JSON
from tests.support.fixed_work import usual_ms

_MAX_MS = 400.0
"""Ten times what the most costly body takes."""


def _refuse(content: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_json(content)


@pytest.mark.parametrize(
    ("content", "message"), EXCESSIVE_JSON, ids=[content[:12] for content, _ in EXCESSIVE_JSON]
)
def test_excessive_json_is_refused_with_little_work(content: str, message: str) -> None:
    assert usual_ms(lambda: _refuse(content, message)) < _MAX_MS


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("5.0", 5),
        ("-5e2", -500),
        ("-0.0", 0),
        ("18446744073709549568.0", 2**64 - 2048),
        ("1e19", 10**19),
        ("5.5", 5.5),
        ("1e20", 1e20),
        ("-1.5e308", -1.5e308),
    ],
)
def test_a_whole_number_of_up_to_64_bits_is_an_integer(written: str, number: float) -> None:
    (parsed,) = parse_json(f"[{written}]")
    assert (parsed, type(parsed)) == (number, type(number))
