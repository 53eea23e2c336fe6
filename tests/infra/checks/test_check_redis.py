"""`check-redis` tells a sound Redis from one that would lose sessions."""

from collections.abc import Iterator

import pytest
from redis import Redis

from infra.local.ports import free_port
from infra.local.redis import embedded_redis
from infra.local.upstash import local_upstash
from tests.infra.checks.check_runner import found, found_by_script, run

_REST_CHECKS = ["ping", "set, get", "hash", "stream", "script, ttl", "pub/sub", "server"]
_CHECKS = [*_REST_CHECKS, "shards"]


@pytest.fixture
def redis(own_redis_url: str) -> Iterator[Redis]:
    """The one that is looked at."""
    with Redis.from_url(own_redis_url) as redis:
        yield redis


def test_a_sound_one_passes_every_check_each_with_its_latency(own_redis_url: str) -> None:
    code, checks = found_by_script("check-redis", REDIS_URL=own_redis_url)
    assert (code, list(checks)) == (0, _CHECKS)
    assert all(check["ok"] and check["ms"] > 0 for check in checks.values())
    assert "noeviction" in checks["server"]["message"]
    assert "NO APPEND-ONLY FILE" in checks["server"]["message"]  # such as tests have
    assert checks["pub/sub"]["message"] == "published and received"


def test_nothing_of_it_is_left_behind(own_redis_url: str, redis: Redis) -> None:
    redis.set("ours", "1")
    run("check-redis", REDIS_URL=own_redis_url)
    assert redis.keys("*") == [b"ours"]


def test_one_at_upstash_is_looked_at_over_rest(own_redis_url: str) -> None:
    with local_upstash(own_redis_url) as upstash:
        code, checks = found(
            "check-redis",
            UPSTASH_REDIS_REST_URL=upstash.url,
            UPSTASH_REDIS_REST_TOKEN=upstash.token,
        )
        assert (code, list(checks)) == (0, _REST_CHECKS), checks
        assert "isn't possible over REST" in checks["pub/sub"]["message"]
        code, checks = found(
            "check-redis", UPSTASH_REDIS_REST_URL=upstash.url, UPSTASH_REDIS_REST_TOKEN="wrong"
        )
    assert code == 1
    assert "token" in checks["ping"]["message"]


def test_one_that_would_drop_sessions_is_found_out(own_redis_url: str, redis: Redis) -> None:
    redis.config_set("maxmemory-policy", "allkeys-lru")
    code, checks = found("check-redis", REDIS_URL=own_redis_url)
    assert code == 1
    assert [name for name, check in checks.items() if not check["ok"]] == ["server"]
    assert "allkeys-lru" in checks["server"]["message"]


def test_one_that_is_full_is_found_out(own_redis_url: str, redis: Redis) -> None:
    redis.config_set("maxmemory", "1")
    code, checks = found("check-redis", REDIS_URL=own_redis_url)
    assert code == 1
    assert not checks["set, get"]["ok"]
    assert "OOM" in checks["set, get"]["message"] or "maxmemory" in checks["set, get"]["message"]


def test_a_wrong_password_is_said_and_not_shown(redis: Redis, own_redis_url: str) -> None:
    redis.config_set("requirepass", "right")
    url = own_redis_url.replace("redis://", "redis://default:a-wrong-one@")
    ended = run("check-redis", REDIS_URL=url)
    assert ended.returncode == 1
    assert "password" in ended.stdout
    assert "a-wrong-one" not in ended.stdout + ended.stderr


def test_none_at_all_is_said(own_redis_url: str) -> None:
    code, checks = found("check-redis", REDIS_URL=f"redis://127.0.0.1:{free_port()}/0")
    assert code == 1
    assert "can't be reached" in checks["ping"]["message"]


def test_without_an_address_it_says_what_it_needs() -> None:
    ended = run("check-redis")
    assert ended.returncode == 1
    assert "REDIS_URL" in ended.stderr


def test_it_is_shown_as_a_table() -> None:
    with embedded_redis() as url:
        lines = run("check-redis", REDIS_URL=url).stdout.splitlines()
    assert [line.startswith("✓ ") for line in lines[1:]] == [True] * 8


def test_an_address_that_is_none_is_said_and_its_password_is_not() -> None:
    ended = run("check-redis", REDIS_URL="redis://user:secret@host:port/0")
    assert ended.returncode == 1
    assert "REDIS_URL must have hosts like host:6379" in ended.stderr
    assert "secret" not in ended.stderr
