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
