"""The messages that are really sent are those of the AsyncAPI document."""

from typing import Any

import jsonschema
import pytest

from infra.local.instance import Instance
from tests.support.api import ApiClient, participant
from tests.support.live import connect_live

_UNTIL_THE_END = 600_000


@pytest.fixture
async def document(api: ApiClient) -> dict[str, Any]:
    answer = await api.http.get("/asyncapi.json")
    assert answer.headers["content-type"] == "application/json"
    found: dict[str, Any] = answer.json()
    return found


async def test_every_message_of_a_socket_conforms_to_the_document(
    instances: tuple[Instance, Instance], api: ApiClient, document: dict[str, Any]
) -> None:
    session_id = await api.created(
        {
            "sync_mode": "per_participant",
            "participants": [participant(30_000), participant(30_000)],
            "time_control": {"overtime": {"period_ms": 10_000, "periods": 3}},
            "action_on_timeout": {"type": "end_session", "winner_by": "time"},
            "warn_at_ms": [20_000],
            "test": True,
        }
    )
    async with connect_live(instances[0], session_id, "&presence=1") as follower:
        ping = {"type": "PING", "clientTimestamp": "any value", "round_trip_ms": 8, "error_ms": 4}
        jsonschema.validate(ping, _schemas(document, "receiveOnSocket")["PING"])
        await follower.send(ping)
        await follower.until_type("PRESENCE")
        await follower.send({"type": "RECONNECT"})
        await follower.send({"type": "NONSENSE"})
        await follower.until_type("ERROR")
        await api.do(session_id, "start")
        await api.do(session_id, "advance", {"ms": _UNTIL_THE_END})
        await api.delete(session_id)
        await follower.until_type("SESSION_DELETED")
    schemas = _schemas(document, "sendOnSocket")
    for message in follower.received:
        jsonschema.validate(message, schemas[message["type"]])
    # tests/unit/http/test_asyncapi.py checks the answer to a new token.
    assert {m["type"] for m in follower.received} == schemas.keys() - {"AUTHENTICATED"}


def _schemas(document: dict[str, Any], operation: str) -> dict[str, dict[str, Any]]:
    """Return the schema of each message of an operation by its type."""
    messages = document["operations"][operation]["messages"]
    names = [each["$ref"].rpartition("/")[2] for each in messages]
    payloads = {name: document["components"]["messages"][name]["payload"] for name in names}
    components = {"components": document["components"]}
    return {name: payload | components for name, payload in payloads.items()}
