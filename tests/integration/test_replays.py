"""A retry gets the first answer byte for byte, from the record, the outbox or the trail."""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx
import pytest
from redis import Redis

from infra.local.instance import running
from infra.local.postgres import EmbeddedPostgres
from infra.local.redis import embedded_redis
from tests.integration.conftest import stopped
from tests.support.api import participant

_OUTBOX = "{s0}:outbox"
_METADATA = {
    "z": 1e20,
    "a": [0.1, -0.0, 10**15, None],
    "ü": "\u2028 \\ é",
    "nested": {"b": 1, "a": 2},
}
_GROUPS = [str(uuid4()) for _ in range(2)]


def _participants(count: int, bank: int | None = 60_000, **more: Any) -> list[dict[str, Any]]:
    return [participant(bank, **more) for _ in range(count)]


_BODIES: dict[str, dict[str, Any]] = {
    "per_participant": {
        "participants": _participants(2),
        "increment_ms": 500,
        "warn_at_ms": [5_000],
        "action_on_timeout": {"type": "end_session", "winner_by": "time", "a": 1},
    },
    "per_participant, 300 of them": {"participants": _participants(300), "metadata": _METADATA},
    "per_cycle": {"participants": _participants(3, None), "time_per_cycle_ms": 30_000},
    "per_group": {"participants": [participant(group_id=g) for g in _GROUPS for _ in range(2)]},
    "global": {
        "participants": _participants(2, None),
        "total_time_ms": 90_000,
        "metadata": _METADATA,
    },
    "global without participants": {"time_per_cycle_ms": 60_000, "auto_advance": True},
    "count_up": {"participants": _participants(1, None), "max_time_ms": 600_000},
}


@dataclass
class Service:
    """A client of an instance, and one of its own store."""

    http: httpx.Client
    redis: Redis
    has_worker: bool = False
    """Whether an audit worker empties the outbox."""

    def wait_until_drained(self) -> None:
        """Return when all entries are in the trail."""
        for _ in range(1_000):
            if not self.redis.xlen(_OUTBOX):
                return
            asyncio.run(asyncio.sleep(0.01))
        raise AssertionError("the outbox still has entries")


@pytest.fixture(scope="module", params=["no trail", "outbox", "trail"])
def service(request: pytest.FixtureRequest, postgres: EmbeddedPostgres) -> Iterator[Service]:
    """An instance for each place where the answered states end up."""
    settings: Any = {}
    if request.param != "no trail":
        settings["DATABASE_URL"] = postgres.url
    if request.param == "outbox":
        settings["AUDIT_WORKER"] = "off"
    with (
        embedded_redis() as redis_url,
        running(redis_url, **settings) as instance,
        httpx.Client(base_url=instance.url, timeout=30) as http,
        Redis.from_url(redis_url) as redis,
    ):
        yield Service(http, redis, has_worker=request.param == "trail")


@dataclass
class Exchange:
    """A request with an idempotency key, and its first answer."""

    method: str
    path: str
    body: Any
    key: str
    first: httpx.Response

    def retry(self, http: httpx.Client) -> httpx.Response:
        """Send the request again."""
        return http.request(
            self.method, self.path, json=self.body, headers={"Idempotency-Key": self.key}
        )

    def assert_replayed(self, http: httpx.Client) -> None:
        """Assert that a retry gets the first answer."""
        again = self.retry(http)
        assert again.headers["idempotent-replayed"] == "true"
        assert again.status_code == self.first.status_code
        assert again.content == self.first.content
        for name in ("etag", "location", "content-type"):
            assert again.headers.get(name) == self.first.headers.get(name)


def send_with_key(http: httpx.Client, method: str, path: str, body: Any = None) -> Exchange:
    """Send a request with a new key."""
    key = str(uuid4())
    first = http.request(method, path, json=body, headers={"Idempotency-Key": key})
    assert first.is_success, first.text
    assert "idempotent-replayed" not in first.headers
    return Exchange(method, path, body, key, first)


@pytest.mark.parametrize("mode", _BODIES)
def test_every_change_is_replayed_at_once_and_after_the_deletion(
    service: Service, mode: str
) -> None:
    """Sessions with a client's id are completed, those with a generated one cancelled."""
    http, chooses_id = service.http, list(_BODIES).index(mode) % 2 == 0
    ending = "complete" if chooses_id else "cancel"
    chosen = {"session_id": str(uuid4())} if chooses_id else {}
    body = {"sync_mode": mode.split(",")[0].split(" ")[0], **_BODIES[mode], **chosen}
    created = send_with_key(http, "POST", "/v1/sessions", body)
    path = created.first.headers["location"]
    done = [created]

    def do(method: str, suffix: str, body: Any = None) -> None:
        done.append(send_with_key(http, method, path + suffix, body))
        done[-1].assert_replayed(http)

    created.assert_replayed(http)
    do("POST", "/start")
    do("POST", "/switch")
    do("POST", "/pause")
    do("POST", "/resume")
    newcomer = participant(group_id=_GROUPS[0]) if mode == "per_group" else participant()
    do("POST", "/participants", newcomer)
    do("PATCH", f"/participants/{newcomer['participant_id']}", {"total_time_ms": 5_000})
    do("POST", f"/{ending}")
    do("DELETE", "")
    if service.has_worker:
        service.wait_until_drained()
    for exchange in done:
        exchange.assert_replayed(http)


def test_a_switch_that_reports_an_expiry_is_replayed(service: Service) -> None:
    http = service.http
    body = {"sync_mode": "per_participant", "participants": _participants(2, 1_000)}
    path = send_with_key(http, "POST", "/v1/sessions", body).first.headers["location"]
    started = send_with_key(http, "POST", f"{path}/start").first.json()["data"]
    while http.get(path).json()["data"]["version"] == started["version"]:
        asyncio.run(asyncio.sleep(0.05))
    switched = send_with_key(http, "POST", f"{path}/switch")
    assert "expired_participant_id" in switched.first.json()["data"]
    send_with_key(http, "POST", f"{path}/switch")
    switched.assert_replayed(http)


def test_the_size_of_a_record_does_not_grow_with_the_session(service: Service) -> None:
    if not service.redis.exists(_OUTBOX):
        pytest.skip("without a trail the record holds the state")
    body = {"sync_mode": "per_participant", "participants": _participants(1_000)}
    send_with_key(service.http, "POST", "/v1/sessions", body)
    keys: Any = service.redis.keys("*:idem:*")
    assert max(service.redis.strlen(key) for key in keys) < 512


def test_while_the_trail_is_down_a_retry_is_refused_and_changes_nothing(
    breakable_postgres: EmbeddedPostgres, own_trail: str, own_redis_url: str
) -> None:
    with (
        running(own_redis_url, DATABASE_URL=own_trail) as instance,
        httpx.Client(base_url=instance.url, timeout=30) as http,
        Redis.from_url(own_redis_url) as redis,
    ):
        body = {"sync_mode": "per_participant", "participants": _participants(2)}
        created = send_with_key(http, "POST", "/v1/sessions", body)
        path = created.first.headers["location"]
        started = send_with_key(http, "POST", f"{path}/start")
        Service(http, redis).wait_until_drained()
        with stopped(breakable_postgres):
            started.assert_replayed(http)
            refused = created.retry(http)
            assert refused.status_code == 503
            assert refused.headers["retry-after"] == "1"
            assert redis.zcard("{s0}:deadlines") == 1
        deadline = time.monotonic() + 30
        while created.retry(http).status_code == httpx.codes.SERVICE_UNAVAILABLE:
            assert time.monotonic() < deadline
        created.assert_replayed(http)
