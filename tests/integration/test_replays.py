"""A retry gets the first answer byte for byte, wherever the state that it showed is by then."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx
import msgspec
import pytest
from redis import Redis

from infra.local.instance import running
from infra.local.postgres import EmbeddedPostgres, embedded_postgres
from infra.local.redis import embedded_redis
from infra.migrate import migrate
from tests.support.api import participant

_OUTBOX = "{s0}:outbox"
_METADATA = {
    "z": 1e20,
    "a": [0.1, -0.0, 10**15, None],
    "ü": "\u2028 \\ é",
    "nested": {"b": 1, "a": 2},
}
_GROUPS = [str(uuid4()) for _ in range(2)]


def _seats(count: int, bank: int | None = 60_000, **more: Any) -> list[dict[str, Any]]:
    return [participant(bank, **more) for _ in range(count)]


_BODIES: dict[str, dict[str, Any]] = {
    "per_participant": {
        "participants": _seats(2),
        "increment_ms": 500,
        "warn_at_ms": [5_000],
        "action_on_timeout": {"type": "end_session", "winner_by": "time", "a": 1},
    },
    "per_participant, 300 of them": {"participants": _seats(300), "metadata": _METADATA},
    "per_cycle": {"participants": _seats(3, None), "time_per_cycle_ms": 30_000},
    "per_group": {"participants": [participant(group_id=g) for g in _GROUPS for _ in range(2)]},
    "global": {"participants": _seats(2, None), "total_time_ms": 90_000, "metadata": _METADATA},
    "global without participants": {"time_per_cycle_ms": 60_000, "auto_advance": True},
    "count_up": {"participants": _seats(1, None), "max_time_ms": 600_000},
}


@dataclass
class Place:
    """An instance with a store of its own, and what carries its audit entries, if anything."""

    http: httpx.Client
    redis: Redis
    drains: bool = False

    def drained(self) -> None:
        """Return when all entries have been carried to the trail."""
        for _ in range(1_000):
            if not self.redis.xlen(_OUTBOX):
                return
            asyncio.run(asyncio.sleep(0.01))
        raise AssertionError("the outbox is not emptied")


@pytest.fixture(scope="module", params=["no trail", "outbox", "trail"])
def place(request: pytest.FixtureRequest, postgres: EmbeddedPostgres) -> Iterator[Place]:
    """Where the states that were answered with are in the end."""
    settings: Any = {}
    if request.param != "no trail":
        settings["DATABASE_URL"] = postgres.url
    if request.param == "outbox":
        settings["AUDIT_WORKER"] = "off"
    with (
        embedded_redis() as redis_url,
        running(redis_url, **settings) as instance,
        httpx.Client(base_url=instance.url) as http,
        Redis.from_url(redis_url) as redis,
    ):
        yield Place(http, redis, drains=request.param == "trail")


@dataclass
class Exchange:
    """One keyed request, and its first answer."""

    method: str
    path: str
    body: Any
    key: str
    first: httpx.Response

    def repeated(self, http: httpx.Client) -> httpx.Response:
        """The answer to a retry."""
        return http.request(
            self.method, self.path, json=self.body, headers={"Idempotency-Key": self.key}
        )

    def is_answered_again(self, http: httpx.Client) -> None:
        """A retry gets the first answer."""
        again = self.repeated(http)
        assert again.headers["idempotent-replayed"] == "true"
        assert again.status_code == self.first.status_code
        assert again.content == self.first.content
        for name in ("etag", "location", "content-type"):
            assert again.headers.get(name) == self.first.headers.get(name)


def asked(http: httpx.Client, method: str, path: str, body: Any = None) -> Exchange:
    """A request with a fresh key."""
    key = str(uuid4())
    first = http.request(method, path, json=body, headers={"Idempotency-Key": key})
    assert first.is_success, first.text
    assert "idempotent-replayed" not in first.headers
    return Exchange(method, path, body, key, first)


@pytest.mark.parametrize(
    ("chooses_id", "ending"),
    [(True, "complete"), (False, "cancel")],
    ids=["own id, completed", "id of ours, cancelled"],
)
@pytest.mark.parametrize("mode", _BODIES)
def test_every_kind_of_change_is_answered_again_at_once_and_in_the_end(
    place: Place, mode: str, chooses_id: bool, ending: str
) -> None:
    http = place.http
    chosen = {"session_id": str(uuid4())} if chooses_id else {}
    body = {"sync_mode": mode.split(",")[0].split(" ")[0], **_BODIES[mode], **chosen}
    created = asked(http, "POST", "/v1/sessions", body)
    path = created.first.headers["location"]
    done = [created]

    def do(method: str, suffix: str, body: Any = None) -> None:
        done.append(asked(http, method, path + suffix, body))
        done[-1].is_answered_again(http)

    created.is_answered_again(http)
    do("POST", "/start")
    do("POST", "/switch")
    do("POST", "/pause")
    do("POST", "/resume")
    newcomer = participant(group_id=_GROUPS[0]) if mode == "per_group" else participant()
    do("POST", "/participants", newcomer)
    do("PATCH", f"/participants/{newcomer['participant_id']}", {"total_time_ms": 5_000})
    do("POST", f"/{ending}")
    do("DELETE", "")
    if place.drains:
        place.drained()
    for exchange in done:
        exchange.is_answered_again(http)


def test_a_switch_that_tells_of_a_fallen_flag_is_answered_again(place: Place) -> None:
    http = place.http
    body = {"sync_mode": "per_participant", "participants": _seats(2, 1_000)}
    path = asked(http, "POST", "/v1/sessions", body).first.headers["location"]
    started = asked(http, "POST", f"{path}/start").first.json()["data"]
    while http.get(path).json()["data"]["version"] == started["version"]:
        asyncio.run(asyncio.sleep(0.05))
    switched = asked(http, "POST", f"{path}/switch")
    assert "expired_participant_id" in switched.first.json()["data"]
    asked(http, "POST", f"{path}/switch")
    switched.is_answered_again(http)


def test_what_a_record_takes_does_not_grow_with_the_session(place: Place) -> None:
    if not place.redis.exists(_OUTBOX):
        pytest.skip("without a trail the state must be kept with the answer")
    body = {"sync_mode": "per_participant", "participants": _seats(1_000)}
    asked(place.http, "POST", "/v1/sessions", body)
    keys: Any = place.redis.keys("*:idem:*")
    assert max(place.redis.strlen(key) for key in keys) < 512


def test_a_record_of_version_2_0_0_is_given_back_as_it_is(place: Place) -> None:
    body = {"sync_mode": "per_participant", "participants": _seats(2)}
    created = asked(place.http, "POST", "/v1/sessions", body)
    keys: Any = place.redis.keys(f"*:idem:*{created.key}")
    (key,) = keys
    record: Any = place.redis.get(key)
    fingerprint = msgspec.json.decode(record.split(b"\n")[1])[0]
    old = {
        "fingerprint": fingerprint + "0" * 32,
        "status": 201,
        "version": 7,
        "location": "/v1/sessions/x",
        "body": '{"data":"as it was"}',
    }
    place.redis.set(key, msgspec.json.encode(old))
    again = created.repeated(place.http)
    assert (again.status_code, again.text) == (201, '{"data":"as it was"}')
    assert (again.headers["etag"], again.headers["location"]) == ('"7"', "/v1/sessions/x")
    assert again.headers["idempotent-replayed"] == "true"


def test_while_the_trail_is_away_a_retry_waits_and_nothing_is_done_twice() -> None:
    with embedded_redis() as redis_url, embedded_postgres() as database:
        migrate(database.url)
        with (
            running(redis_url, DATABASE_URL=database.url) as instance,
            httpx.Client(base_url=instance.url) as http,
            Redis.from_url(redis_url) as redis,
        ):
            body = {"sync_mode": "per_participant", "participants": _seats(2)}
            created = asked(http, "POST", "/v1/sessions", body)
            path = created.first.headers["location"]
            started = asked(http, "POST", f"{path}/start")
            Place(http, redis).drained()
            database.stop()
            started.is_answered_again(http)
            refused = created.repeated(http)
            assert refused.status_code == 503
            assert refused.headers["retry-after"] == "1"
            assert redis.zcard("{s0}:deadlines") == 1
            database.start()
            answered = httpx.codes.SERVICE_UNAVAILABLE
            while answered == httpx.codes.SERVICE_UNAVAILABLE:
                answered = httpx.codes(created.repeated(http).status_code)
            created.is_answered_again(http)
