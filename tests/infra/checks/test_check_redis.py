"""`check-redis` passes a healthy server and reports faults that could lose sessions."""

from collections.abc import Iterator

import pytest
from redis import Redis

from infra.local.ports import free_port
from infra.local.redis import embedded_redis
from infra.local.upstash import local_upstash
from tests.infra.checks.check_runner import checks_by_script, run, run_checks

_REST_CHECKS = ["ping", "set, get", "hash", "stream", "script, ttl", "pub/sub", "server"]
_CHECKS = [*_REST_CHECKS, "shards"]


@pytest.fixture
def redis(own_redis_url: str) -> Iterator[Redis]:
    """A client of the server under test."""
    with Redis.from_url(own_redis_url) as redis:
        yield redis


def test_a_healthy_server_passes_every_check_with_its_latency(own_redis_url: str) -> None:
    code, checks = checks_by_script("check-redis", REDIS_URL=own_redis_url)
    assert (code, list(checks)) == (0, _CHECKS)
    assert all(check["ok"] and check["ms"] > 0 for check in checks.values())
    assert "noeviction" in checks["server"]["message"]
    assert "NO APPEND-ONLY FILE" in checks["server"]["message"]  # tests run Redis without one
    assert checks["pub/sub"]["message"] == "published and received"


def test_the_checks_leave_no_keys_behind(own_redis_url: str, redis: Redis) -> None:
    redis.set("ours", "1")
    run("check-redis", REDIS_URL=own_redis_url)
    assert redis.keys("*") == [b"ours"]


def test_a_redis_belongs_to_one_stage(own_redis_url: str, redis: Redis) -> None:
    for _ in range(2):
        code, checks = run_checks("check-redis", "--stage", "staging", REDIS_URL=own_redis_url)
        assert (code, checks["stage"]["message"]) == (0, "belongs to staging")
    code, checks = run_checks("check-redis", "--stage", "production", REDIS_URL=own_redis_url)
    assert code == 1
    assert "this Redis belongs to the stage staging" in checks["stage"]["message"]
    assert "{s0}:stage" in checks["stage"]["message"]
    redis.delete("{s0}:stage")
    assert run_checks("check-redis", "--stage", "production", REDIS_URL=own_redis_url)[0] == 0


def test_upstash_is_checked_over_rest(own_redis_url: str) -> None:
    with local_upstash(own_redis_url) as upstash:
        code, checks = run_checks(
            "check-redis",
            UPSTASH_REDIS_REST_URL=upstash.url,
            UPSTASH_REDIS_REST_TOKEN=upstash.token,
        )
        assert (code, list(checks)) == (0, _REST_CHECKS), checks
        assert "isn't possible over REST" in checks["pub/sub"]["message"]
        code, checks = run_checks(
            "check-redis", UPSTASH_REDIS_REST_URL=upstash.url, UPSTASH_REDIS_REST_TOKEN="wrong"
        )
    assert code == 1
    assert "token" in checks["ping"]["message"]


def test_an_evicting_policy_is_reported(own_redis_url: str, redis: Redis) -> None:
    redis.config_set("maxmemory-policy", "allkeys-lru")
    code, checks = run_checks("check-redis", REDIS_URL=own_redis_url)
    assert code == 1
    assert [name for name, check in checks.items() if not check["ok"]] == ["server"]
    assert "allkeys-lru" in checks["server"]["message"]


def test_a_full_server_is_reported(own_redis_url: str, redis: Redis) -> None:
    redis.config_set("maxmemory", "1")
    code, checks = run_checks("check-redis", REDIS_URL=own_redis_url)
    assert code == 1
    assert not checks["set, get"]["ok"]
    assert "OOM" in checks["set, get"]["message"] or "maxmemory" in checks["set, get"]["message"]


def test_a_wrong_password_is_reported_but_not_shown(redis: Redis, own_redis_url: str) -> None:
    redis.config_set("requirepass", "right")
    url = own_redis_url.replace("redis://", "redis://default:a-wrong-one@")
    result = run("check-redis", REDIS_URL=url)
    assert result.returncode == 1
    assert "password" in result.stdout
    assert "a-wrong-one" not in result.stdout + result.stderr


def test_an_unreachable_server_is_reported(own_redis_url: str) -> None:
    code, checks = run_checks("check-redis", REDIS_URL=f"redis://127.0.0.1:{free_port()}/0")
    assert code == 1
    assert "can't be reached" in checks["ping"]["message"]


def test_a_missing_address_names_the_variable() -> None:
    result = run("check-redis")
    assert result.returncode == 1
    assert "REDIS_URL" in result.stderr


def test_results_are_shown_as_a_table() -> None:
    with embedded_redis() as url:
        lines = run("check-redis", REDIS_URL=url).stdout.splitlines()
    assert [line.startswith("✓ ") for line in lines[1:]] == [True] * 8


def test_an_invalid_address_is_reported_without_its_password() -> None:
    result = run("check-redis", REDIS_URL="redis://user:secret@host:port/0")
    assert result.returncode == 1
    assert "REDIS_URL must have hosts like host:6379" in result.stderr
    assert "secret" not in result.stderr
