"""The AsyncAPI document is valid and names all messages.

The schema is `schemas/3.0.0-without-$id.json` of the npm package `@asyncapi/specs` 6.11.1 (Apache
License 2.0), compressed.
"""

import gzip
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from functions.container.live.websocket import MESSAGES
from shared.application import push_messages
from shared.domain.units import Instant
from shared.http.openapi.asyncapi import asyncapi_document

_SCHEMA = Path(__file__).parents[2] / "data" / "asyncapi-3.0.0.json.gz"


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return asyncapi_document()


def test_the_document_conforms_to_the_specification(document: dict[str, Any]) -> None:
    schema = json.loads(gzip.decompress(_SCHEMA.read_bytes()))
    jsonschema.Draft7Validator(schema).validate(document)


def test_every_reference_resolves(document: dict[str, Any]) -> None:
    text = json.dumps(document)
    references = [part.partition('"')[0] for part in text.split('"$ref": "#/')[1:]]
    assert references
    for reference in references:
        found: Any = document
        for key in reference.split("/"):
            found = found[key]


def test_the_document_lists_what_a_socket_accepts(document: dict[str, Any]) -> None:
    accepted = document["operations"]["receiveOnSocket"]["messages"]
    assert {each["$ref"].rpartition("/")[2] for each in accepted} == MESSAGES.keys()


@pytest.mark.parametrize("expires_at_s", [None, 1_769_851_805.5])
def test_the_answer_to_a_new_token_is_as_documented(
    document: dict[str, Any], expires_at_s: float | None
) -> None:
    message = json.loads(push_messages.authenticated(Instant(1), expires_at_s))
    components = {"components": document["components"]}
    jsonschema.validate(message, document["components"]["schemas"]["Authenticated"] | components)
