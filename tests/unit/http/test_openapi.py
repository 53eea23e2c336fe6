"""The OpenAPI document: links between operations, and bounds of integers."""

from typing import Any

import pytest
from pydantic import ValidationError

from shared.http.request_bodies import UpdateParticipantBody
from tests.support import documented

_CREATED = "$response.body#/data/session_id"


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """The document of the container's routes."""
    return documented.document()


def test_creating_a_session_links_to_every_operation_on_it(
    document: dict[str, Any],
) -> None:
    operations = {
        operation["operationId"]
        for path, operations in document["paths"].items()
        for operation in operations.values()
        if "{session_id}" in path
    }
    links = document["paths"]["/v1/sessions"]["post"]["responses"]["201"]["links"].values()
    assert {link["operationId"] for link in links} == operations
    assert {link["parameters"]["session_id"] for link in links} == {_CREATED}


def test_joining_links_to_every_operation_on_the_participant(document: dict[str, Any]) -> None:
    joining = document["paths"]["/v1/sessions/{session_id}/participants"]["post"]
    links = joining["responses"]["201"]["links"].values()
    names = {link["operationId"].partition("_v1_")[0] for link in links}
    assert names == {
        "update_participant",
        "remove_participant",
        "forfeit",
        "begin_participant",
        "finish_participant",
        "reopen_participant",
        "pause_participant",
        "resume_participant",
    }
    for link in links:
        assert link["parameters"] == {
            "session_id": _CREATED,
            "participant_id": "$request.body#/participant_id",
        }


def test_no_parameter_is_null(document: dict[str, Any]) -> None:
    """A client would send the text `null`."""
    schemas = [
        parameter["schema"]
        for operations in document["paths"].values()
        for operation in operations.values()
        for parameter in operation.get("parameters", ())
    ]
    assert schemas
    assert not [schema for schema in schemas if {"type": "null"} in schema.get("anyOf", ())]
    assert {"$ref", "description", "title"} in map(set, schemas)
    (secret_key,) = [schema for schema in schemas if schema.get("minLength") == 20]
    assert (secret_key["type"], secret_key["maxLength"]) == ("string", 255)


def test_the_id_of_an_api_key_has_a_pattern(document: dict[str, Any]) -> None:
    (key_id,) = document["paths"]["/v1/api-keys/{key_id}"]["delete"]["parameters"]
    assert key_id["schema"]["pattern"] == "^[0-9A-Za-z]{16}$"


def test_bounds_of_integers_are_integers(document: dict[str, Any]) -> None:
    assert _floats_in(document) == []


def _floats_in(part: Any) -> list[float]:
    if isinstance(part, float):
        return [part]
    inner = part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
    return [found for one in inner for found in _floats_in(one)]


def test_an_integer_may_be_written_with_a_zero_fraction() -> None:
    assert UpdateParticipantBody.model_validate({"total_time_ms": 5000.0}).total_time_ms == 5000
    for refused in (5000.5, True, "5000", 1e19, 1e300, float("inf")):
        with pytest.raises(ValidationError, match="total_time_ms"):
            UpdateParticipantBody.model_validate({"total_time_ms": refused})
