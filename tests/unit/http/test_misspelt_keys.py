"""Keys of `action_on_timeout`: a misspelt key that the service reads is refused."""

from typing import Any

import pytest
from pydantic import ValidationError

from shared.http.creation_bodies import TimeoutActionBody


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        ("winner_bye", "winner_by"),
        ("winer_by", "winner_by"),
        ("winner_yb", "winner_by"),
        ("winnerBy", "winner_by"),
        ("winner-by", "winner_by"),
    ],
)
def test_a_misspelt_key_of_end_session_is_refused_with_the_right_one(key: str, meant: str) -> None:
    with pytest.raises(ValidationError) as refused:
        TimeoutActionBody.model_validate({"type": "end_session", key: "time"})
    (error,) = refused.value.errors()
    assert error["type"] == "unknown_field"
    assert error["msg"] == f"has the key {key}: did you mean {meant}?"


@pytest.mark.parametrize("key", ["tpye", "Type", "typ", "types"])
def test_an_action_whose_type_is_misspelt_is_refused(key: str) -> None:
    with pytest.raises(ValidationError, match="did you mean type"):
        TimeoutActionBody.model_validate({key: "end_session"})


@pytest.mark.parametrize(
    "action",
    [
        {"type": "end_session", "winner_by": "time", "winner_bye": 1},
        {"type": "end_session", "winner": "a", "winner_id": "b", "outcome": "draw", "penalty": 1},
        {"type": "end_session", "extra": {"winner_bye": 1}},
        {"type": "auto_action", "action": "fold", "winner_bye": 1, "types": []},
        {"type": "notify", "message": "Time!"},
        {"message": "Time!", "kind": "loud"},
    ],
)
def test_all_other_keys_are_the_application_s_own(action: dict[str, Any]) -> None:
    kept = TimeoutActionBody.model_validate(action).action().as_dict()
    assert kept == {"type": "notify"} | action
