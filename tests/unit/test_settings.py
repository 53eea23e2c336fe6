"""Settings come from the environment."""

import json
import logging

import pytest
from pydantic import SecretStr, ValidationError

from shared.bootstrap import audit_log, container
from shared.http.subscriptions import subscriptions
from shared.logging import JsonFormatter
from shared.metrics.emf import EmfMetrics
from shared.settings import Settings


def test_origins_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CORS_ORIGINS", "https://a.example, https://b.example,")
    assert Settings.from_environment().cors_origins == ["https://a.example", "https://b.example"]


@pytest.mark.parametrize(
    ("name", "value"), [("PORT", "x"), ("STORE_SHARDS", "0"), ("LOG_LEVEL", "LOUD")]
)
def test_a_wrong_setting_stops_the_start(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError, match=name.lower()):
        Settings.from_environment()


def test_a_log_line_is_one_json_object_with_its_extra_fields() -> None:
    record = logging.makeLogRecord(
        {"msg": "%s failed", "args": ("it",), "levelname": "ERROR", "request_id": "r1"}
    )
    line = json.loads(JsonFormatter().format(record))
    assert (line["message"], line["level"], line["request_id"]) == ("it failed", "ERROR", "r1")


def test_a_container_that_could_not_listen_does_not_start() -> None:
    token = SecretStr("token")
    rest_alone = Settings(
        upstash_redis_rest_url="https://a.example", upstash_redis_rest_token=token
    )
    with pytest.raises(SystemExit, match="REDIS_URL"):
        container(rest_alone, EmfMetrics())


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("localhost:6379", "REDIS_URL must begin with rediss://"),
        ("redis://:secret@host:port", "REDIS_URL must have hosts like host:6379"),
        ("rediss://:secret@host?ssl_ca_certs=/nowhere", "REDIS_URL has TLS options that can't be"),
    ],
)
def test_a_container_with_a_wrong_redis_url_does_not_start(url: str, fault: str) -> None:
    with pytest.raises(SystemExit, match=fault) as ended:
        container(Settings(redis_url=SecretStr(url)), EmfMetrics())
    assert "secret" not in str(ended.value)


def test_a_container_that_could_not_push_to_those_who_listen_does_not_start() -> None:
    no_key = Settings(supabase_url="https://a.example", supabase_publishable_key="sb_publishable")
    with pytest.raises(SystemExit, match="SUPABASE_PUBLISHABLE_KEY needs SUPABASE_SERVICE_ROLE"):
        container(no_key, EmfMetrics())


def test_a_trail_behind_supabase_needs_its_key() -> None:
    with pytest.raises(SystemExit, match="SUPABASE_SERVICE_ROLE_KEY"):
        audit_log(Settings(supabase_url="https://a.example"))


def test_what_pushes_to_supabase_can_sign_tokens_for_those_who_listen() -> None:
    pushing = Settings(supabase_url="https://a.example", supabase_publishable_key="sb_publishable")
    with pytest.raises(SystemExit, match="SUPABASE_SIGNING_KEY"):
        subscriptions(pushing, holds_sockets=True)
    key = '{"kty": "EC", "crv": "P-256", "kid": "ours", "d": "?", "x": "?", "y": "?"}'
    broken = pushing.model_copy(update={"supabase_signing_key": SecretStr(key)})
    with pytest.raises(SystemExit, match="SUPABASE_SIGNING_KEY"):
        subscriptions(broken, holds_sockets=False)
    named_alone = subscriptions(pushing, holds_sockets=False)
    assert named_alone.origins == ("https://a.example", "wss://a.example")
