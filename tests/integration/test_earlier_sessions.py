"""Sessions that were written before time controls are read, continued and recovered.

`records/before_time_controls.json` holds sessions as an instance of that version stored them, their
audit rows, and its answers.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from redis import Redis

from infra.local.instance import running

_RECORDS: dict[str, Any] = json.loads(
    (Path(__file__).parent / "records" / "before_time_controls.json").read_text()
)["sessions"]
_STOPPED = [name for name, r in _RECORDS.items() if r["view"]["status"] != "running"]
_LIVE = [n for n, r in _RECORDS.items() if r["view"]["status"] in ("pending", "paused", "running")]
_INSERT = """\
insert into public.sync_events
select (jsonb_populate_record(null::public.sync_events, row)).* from jsonb_array_elements(%s) row
"""


@pytest.fixture
def with_rows(own_trail: str) -> str:
    """The URL of a trail with the recorded rows."""
    rows = [row for record in _RECORDS.values() for row in record["rows"]]
    with psycopg.connect(own_trail) as connection:
        connection.execute(_INSERT, [json.dumps(rows)])
    return own_trail


@pytest.fixture
def http(own_redis_url: str, with_rows: str) -> Iterator[httpx.Client]:
    """Client of an instance whose store holds the recorded sessions."""
    redis = Redis.from_url(own_redis_url)
    for record in _RECORDS.values():
        redis.hset(f"{{s0}}:session:{record['view']['session_id']}", mapping=record["stored"])
    with (
        running(own_redis_url, DATABASE_URL=with_rows) as instance,
        httpx.Client(base_url=instance.url, timeout=30) as client,
    ):
        yield client


@pytest.fixture
def http_after_loss(own_redis_url: str, with_rows: str) -> Iterator[httpx.Client]:
    """Client of an instance with an empty store and the recorded trail."""
    with (
        running(own_redis_url, DATABASE_URL=with_rows) as instance,
        httpx.Client(base_url=instance.url, timeout=30) as client,
    ):
        yield client


def _assert_unchanged(name: str, view: dict[str, Any]) -> None:
    """Every recorded field is still there with its value; new fields may stand beside it."""
    recorded = _RECORDS[name]["view"]
    fields = recorded.keys() - {"server_time_ms", "participants", "groups"}
    assert {f: view[f] for f in fields} == {f: recorded[f] for f in fields}
    for members in ("participants", "groups"):
        for now, then in zip(view.get(members, []), recorded.get(members, []), strict=True):
            assert now | then == now


def test_stored_sessions_read_as_before(http: httpx.Client) -> None:
    for name in _STOPPED:
        answer = http.get(f"/v1/sessions/{_RECORDS[name]['view']['session_id']}")
        assert answer.status_code == 200, answer.text
        _assert_unchanged(name, answer.json()["data"])


def test_stored_sessions_go_on(http: httpx.Client) -> None:
    next_command = {"pending": "start", "paused": "resume", "running": "switch"}
    for name in _LIVE:
        recorded = _RECORDS[name]["view"]
        path = f"/v1/sessions/{recorded['session_id']}"
        answer = http.post(f"{path}/{next_command[recorded['status']]}")
        assert answer.status_code == 200, answer.text
        assert answer.json()["data"]["version"] == recorded["version"] + 1


def test_the_trail_replays_every_recorded_version(http: httpx.Client) -> None:
    for record in _RECORDS.values():
        for row in record["rows"]:
            path = f"/v1/sessions/{row['session_id']}/replay?version={row['version']}"
            answer = http.get(path)
            assert answer.status_code == 200, answer.text
            data, snapshot = answer.json()["data"], row["state_snapshot"]
            assert (data["version"], data["status"]) == (row["version"], snapshot["status"])
            assert [p["time_used_ms"] for p in data["participants"]] == [
                p["used_ms"] for p in snapshot["participants"]
            ]


def test_lost_sessions_are_recovered_from_the_recorded_trail(http_after_loss: httpx.Client) -> None:
    for name in set(_LIVE) & set(_STOPPED):
        answer = http_after_loss.get(f"/v1/sessions/{_RECORDS[name]['view']['session_id']}")
        assert answer.status_code == 200, answer.text
        _assert_unchanged(name, answer.json()["data"])
