"""JSON beyond the limits is refused with a short error (docs/api.md)."""

import json
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.support.api import ApiClient, check_documented, chess, details_of, participant
from tests.support.excessive_json import EXCESSIVE_JSON

JSON = {"Content-Type": "application/json"}
MAX_DETAILS = 20

pytestmark = pytest.mark.http


async def post(api: ApiClient, content: str, **headers: str) -> httpx.Response:
    """Send `content` as a create body."""
    answer = await api.http.post("/v1/sessions", content=content, headers=JSON | headers)
    return check_documented(answer, None)


@pytest.mark.parametrize(
    ("content", "message"),
    EXCESSIVE_JSON,
    ids=lambda value: value[:12],
)
async def test_json_beyond_the_limits_is_refused(
    api: ApiClient, content: str, message: str
) -> None:
    for key in ({}, {"Idempotency-Key": str(uuid4())}):
        assert details_of(await post(api, content, **key)) == {"body": message}


@pytest.mark.parametrize("number", [2**64 - 1, -(2**63), 10**18 + 1, 1.5e308, 1e-300])
async def test_a_64_bit_number_in_metadata_is_kept_exactly(api: ApiClient, number: float) -> None:
    session_id = await api.created(chess(metadata={"number": number}))
    assert (await api.session(session_id))["metadata"] == {"number": number}


@pytest.mark.parametrize("text", ["[" * 200, "1" * 200, "," * 200, '"' * 200, '\\"' * 200])
async def test_the_limits_do_not_count_the_contents_of_strings(api: ApiClient, text: str) -> None:
    metadata = {"text": text, "texts": [text] * 3, text: "a name"}
    session_id = await api.created(chess(metadata=metadata))
    assert (await api.session(session_id))["metadata"] == metadata


async def test_a_session_of_the_maximum_size_is_accepted(api: ApiClient) -> None:
    people = [participant(group_id=str(uuid4()), participant_index=n) for n in range(1_000)]
    groups = [{"group_id": p["group_id"], "total_time_ms": 60_000} for p in people]
    full: dict[str, Any] = {str(n): 0 for n in range(900)}
    body = {"sync_mode": "per_group", "participants": people, "groups": groups}
    answer = await api.create(body | {"metadata": full, "action_on_timeout": full})
    assert answer.status_code == 201, answer.text


async def test_only_the_first_20_errors_are_returned(api: ApiClient) -> None:
    unknown = json.dumps(chess() | {str(n): 0 for n in range(30_000)})
    details = details_of(await post(api, unknown))
    assert list(details) == [str(n) for n in range(MAX_DETAILS)]

    twins = [participant()] * 1_000
    details = details_of(await api.create(chess(participants=twins)))
    assert list(details) == [f"participants.{n + 1}.participant_id" for n in range(MAX_DETAILS)]


@pytest.mark.parametrize("place", [{}, {"participants": [{}]}])
async def test_a_long_field_name_is_truncated_in_the_error(
    api: ApiClient, place: dict[str, Any]
) -> None:
    body = chess(**place)
    target = body["participants"][0] if place else body
    target["x" * 100_000] = 1
    details = list(details_of(await api.create(body)))
    assert max(map(len, details)) == 100
    assert details[-1].strip("x") in ("", "participants.0.")
