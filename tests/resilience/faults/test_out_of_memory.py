"""A Redis out of memory: limits per caller, operations that still work, and recovery."""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx
from redis import Redis

from infra.local.instance import running
from infra.local.postgres import EmbeddedPostgres, embedded_postgres
from infra.local.redis import embedded_redis
from infra.migrate import migrate
from tests.support import tokens
from tests.support.api import chess, participant
from tests.support.tokens import SECRET, bearer

_MEBIBYTE = 1024 * 1024
_OUTBOX = "{s0}:outbox"
_TIMEOUT_S = 30.0


@dataclass
class Service:
    """One instance with its own Redis and Postgres."""

    http: httpx.Client
    redis: Redis
    postgres: EmbeddedPostgres

    def limit_memory(self, spare_bytes: int) -> None:
        """Limit Redis's memory to its present use plus `spare_bytes`, without eviction."""
        used: Any = self.redis.info("memory")
        self.redis.config_set("maxmemory-policy", "noeviction")
        self.redis.config_set("maxmemory", used["used_memory"] + spare_bytes)

    def started(self, token: str, body: dict[str, Any]) -> str:
        """Create and start a session; return its path."""
        created = self.http.post("/v1/sessions", json=body, headers=bearer(token))
        assert created.status_code == 201, created.text
        path = str(created.headers["location"])
        assert self.http.post(f"{path}/start", headers=bearer(token)).status_code == 200
        return path

    def wait_for_empty_outbox(self) -> None:
        """Return when the outbox is empty."""
        deadline = time.monotonic() + _TIMEOUT_S
        while self.redis.xlen(_OUTBOX):
            assert time.monotonic() < deadline, "the outbox still has entries"
            time.sleep(0.05)


@contextmanager
def serving(**limits: Any) -> Iterator[Service]:
    """A service with `limits` among its settings."""
    with embedded_redis() as redis_url, embedded_postgres() as postgres:
        migrate(postgres.url)
        settings: dict[str, Any] = {
            "DATABASE_URL": postgres.url,
            "JWT_SECRET": SECRET,
            "RATE_LIMIT_GENERAL": "0",
            "RATE_LIMIT_SWITCH": "0",
            **limits,
        }
        with (
            running(redis_url, **settings) as instance,
            httpx.Client(base_url=instance.url, timeout=20) as http,
            Redis.from_url(redis_url) as redis,
        ):
            yield Service(http, redis, postgres)


def test_a_redis_filled_while_postgres_was_down_is_emptied_once_postgres_is_back() -> None:
    host = tokens.host()
    with serving() as service:
        http, headers = service.http, bearer(host)
        path = service.started(host, chess(metadata={"pad": "x" * 8_000}))
        ending, gone = service.started(host, chess()), service.started(host, chess())
        service.wait_for_empty_outbox()
        service.limit_memory(2 * _MEBIBYTE)
        service.postgres.stop()
        while (status := http.post(f"{path}/switch", headers=headers).status_code) == 200:
            pass
        assert status == 503
        assert http.get(path, headers=headers).status_code == 200
        assert http.post(f"{ending}/complete", headers=headers).status_code == 200
        assert http.delete(gone, headers=headers).status_code == 204
        assert http.get(gone, headers=headers).status_code == 404
        service.postgres.start()
        service.wait_for_empty_outbox()
        assert http.post(f"{path}/switch", headers=headers).status_code == 200
        events = http.get(f"{path}/events", headers=headers).json()["data"]["events"]
        assert [event["version"] for event in events] == list(range(1, len(events) + 1))


def test_one_host_at_all_its_limits_leaves_memory_for_another() -> None:
    """With a fourth of the default limits, in a fourth of 64 MB."""
    limits = {
        "MAX_BYTES_PER_CALLER": str(4 * _MEBIBYTE),
        "MAX_WRITTEN_PER_CALLER": str(16 * _MEBIBYTE),
    }
    mallory, victim = tokens.host("mallory"), tokens.host("victim")
    with serving(**limits) as service:
        game = service.started(victim, chess())
        service.limit_memory(16 * _MEBIBYTE)
        mallory_statuses: Counter[int] = Counter()
        victim_statuses: Counter[int] = Counter()
        for _ in range(40):
            mallory_statuses += _use_all_limits(service.http, mallory)
            victim_statuses[
                service.http.post(f"{game}/switch", headers=bearer(victim)).status_code
            ] += 1
            created = service.http.post("/v1/sessions", json=chess(), headers=bearer(victim))
            victim_statuses[created.status_code] += 1
        assert victim_statuses == {200: 40, 201: 40}
        assert mallory_statuses[429] > 20
        assert 503 not in mallory_statuses
        service.wait_for_empty_outbox()


def _use_all_limits(http: httpx.Client, token: str) -> Counter[int]:
    """Create, start, switch and join a large session with a new idempotency key per request.

    Return the statuses of the answers.
    """
    body = {
        "sync_mode": "per_group",
        "metadata": {"pad": "x" * 8_000},
        "participants": [participant(86_400_000, group_id=str(uuid4())) for _ in range(900)],
    }

    def post(path: str, body: Any = None) -> httpx.Response:
        return http.post(path, json=body, headers={"Idempotency-Key": str(uuid4()), **auth})

    auth = bearer(token)
    created = post("/v1/sessions", body)
    statuses = Counter([created.status_code])
    if created.status_code == 201:
        path = created.headers["location"]
        answers = [post(f"{path}/start"), *(post(f"{path}/switch") for _ in range(5))]
        answers.append(post(f"{path}/participants", participant(1_000)))
        statuses.update(answer.status_code for answer in answers)
    return statuses
