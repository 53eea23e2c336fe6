"""Only the first errors of a body are listed, and the others cost little."""

from typing import Any

import pytest
from pydantic import ValidationError

from shared.http.creation_bodies import CreateBody
from shared.http.validation_errors import MAX_DETAILS, first_errors
from tests.support.fixed_work import usual_ms

_MAX_MS = 200.0
"""Ten times what the most costly body takes."""

_MEMBER = {"participant_id": "\n", "total_time_ms": 0, "participant_index": "1", "name": " "}


def _invalid(body: dict[str, Any]) -> ValidationError:
    with pytest.raises(ValidationError) as raised:
        CreateBody.model_validate(body, context=CreateBody.context_of(body))
    return raised.value


@pytest.mark.parametrize("count", [1, 5, 200])
def test_the_first_errors_are_those_of_pydantic(count: int) -> None:
    members = [_MEMBER | {f'unknown {n}"]}}': n for n in range(3)}] * count
    invalid = _invalid({"sync_mode": "none", "participants": members, "metadata": 1})
    expected = invalid.errors(include_url=False, include_input=False)[:MAX_DETAILS]
    assert first_errors(invalid) == [{**error, "loc": [*error["loc"]]} for error in expected]


_UNKNOWN = {str(n): n for n in range(32_000)}


@pytest.mark.parametrize(
    "body",
    [
        _UNKNOWN,
        {"participants": [{str(n): n for n in range(31)}] * 1_000},
        {"participants": [_MEMBER] * 1_000},
        {"groups": [dict(list(_UNKNOWN.items())[:1_500])] * 20},
        {"time_control": _UNKNOWN},
    ],
    ids=["fields", "members' fields", "members", "groups' fields", "nested fields"],
)
def test_a_body_with_many_errors_is_refused_with_little_work(body: dict[str, Any]) -> None:
    def refuse() -> list[Any]:
        return first_errors(_invalid({"sync_mode": "global", **body}))

    assert len(refuse()) == MAX_DETAILS
    assert usual_ms(refuse) < _MAX_MS
