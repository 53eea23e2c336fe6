"""The reference is complete: fields have descriptions and units, requests have examples."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import jsonschema
import pytest
from synckairos.error_types import ErrorCode

from shared.application.errors import ServiceError
from shared.domain.errors import Refusal
from shared.http.openapi import field_descriptions
from shared.http.openapi.asyncapi import asyncapi_document
from shared.http.openapi.error_examples import ERRORS
from tests.support import documented

_ROOT = Path(__file__).parents[3]
_OF_CLIENTS = {"UNREACHABLE", "UNKNOWN"}
"""Codes that the client libraries make themselves."""
_REF = re.compile(r'"#/components/schemas/(\w+)"')


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """The document of the container's routes."""
    return documented.document()


def _bodies(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the content of each request body."""
    for operations in document["paths"].values():
        for operation in operations.values():
            if "requestBody" in operation:
                yield operation["requestBody"]["content"]["application/json"]


def _schemas_in(part: Any, document: dict[str, Any]) -> set[str]:
    """Return the names of the schemas that `part` refers to, also through others."""
    found: set[str] = set()
    pending = _REF.findall(json.dumps(part))
    while pending:
        name = pending.pop()
        if name not in found:
            found.add(name)
            pending += _REF.findall(json.dumps(document["components"]["schemas"][name]))
    return found


def _keys_in(part: Any) -> set[str]:
    if isinstance(part, list):
        return set().union(*map(_keys_in, part))
    if isinstance(part, dict):
        return {*part, *set().union(*map(_keys_in, part.values()))}
    return set()


def test_the_description_of_a_time_has_its_unit(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    without = [
        f"{name}.{field}"
        for name, schema in schemas.items()
        for field, shape in schema.get("properties", {}).items()
        if field.endswith("_ms") and not re.search(r"\bms\b", shape["description"], re.IGNORECASE)
    ]
    assert without == []


def test_no_description_is_left_of_a_field_that_is_gone(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"] | asyncapi_document()["components"]["schemas"]
    own = {f"{name}.{field}" for name in schemas for field in schemas[name].get("properties", ())}
    known = own | {field.partition(".")[2] for field in own}
    assert set(field_descriptions.DESCRIPTIONS) - known == set()


def test_a_field_without_a_description_is_refused() -> None:
    with pytest.raises(LookupError, match="describe the field unheard_of of Session"):
        field_descriptions.describe_fields({"Session": {"properties": {"unheard_of": {}}}})


def test_every_request_body_has_an_example(document: dict[str, Any]) -> None:
    bodies = list(_bodies(document))
    assert bodies
    assert all(body["examples"] for body in bodies)


def test_every_field_of_a_request_is_in_an_example(document: dict[str, Any]) -> None:
    shown: dict[str, set[str]] = {}
    for body in _bodies(document):
        keys = _keys_in([example["value"] for example in body["examples"].values()])
        for name in _schemas_in(body["schema"], document):
            shown.setdefault(name, set()).update(keys)
    schemas = document["components"]["schemas"]
    missing = {name: schemas[name].get("properties", {}).keys() - shown[name] for name in shown}
    assert {name: fields for name, fields in missing.items() if fields} == {}


def test_the_example_of_every_field_of_an_answer_is_valid(document: dict[str, Any]) -> None:
    components = {"components": document["components"]}
    examples = [
        (shape | components, example)
        for schema in document["components"]["schemas"].values()
        for shape in schema.get("properties", {}).values()
        for example in shape.get("examples", ())
    ]
    assert len(examples) > 200
    for shape, example in examples:
        jsonschema.validate(example, shape)


def _all_below(parent: type[Exception]) -> set[type[Exception]]:
    below = set(parent.__subclasses__())
    return below.union(*map(_all_below, below))


def test_every_error_code_has_an_example(document: dict[str, Any]) -> None:
    examples = document["components"]["examples"].values()
    shown = {example["value"]["error"]["code"] for example in examples}
    assert shown == set(get_args(ErrorCode)) - _OF_CLIENTS
    assert {error.code for error in _all_below(ServiceError)} <= shown  # type: ignore[attr-defined]


def test_every_refusal_has_an_example_that_a_response_shows(document: dict[str, Any]) -> None:
    assert _all_below(Refusal) <= {type(example.error) for example in ERRORS}
    paths = json.dumps(document["paths"])
    assert [each.name for each in ERRORS if f'/examples/{each.name}"' not in paths] == []


def test_the_page_for_people_lists_every_error_code() -> None:
    page = (_ROOT / "docs" / "api.md").read_text().partition("### Errors")[2]
    missing = {code for code in get_args(ErrorCode) if f"`{code}`" not in page}
    assert missing == _OF_CLIENTS
