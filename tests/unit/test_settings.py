"""Reading settings from the environment, and errors in them that stop the start."""

import json
import logging

import pytest
from pydantic import SecretStr, ValidationError

from shared.composition.container import build_audit_log, container
from shared.http.realtime_info import make_subscriptions
from shared.observability.cloudwatch import EmfMetrics
from shared.observability.logging import JsonFormatter
from shared.settings.settings import Settings, read_settings


def test_origins_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CORS_ORIGINS", "https://a.example, https://b.example,")
    assert Settings.from_environment().cors_origins == ["https://a.example", "https://b.example"]


@pytest.mark.parametrize("origin", ["https://a.example/", "HTTPS://A.example"])
def test_an_origin_is_written_as_browsers_send_it(origin: str) -> None:
    assert Settings(cors_origins=[origin, "*"]).cors_origins == ["https://a.example", "*"]


@pytest.mark.parametrize(
    ("given", "advice"),
    [
        ("app.example.org", "https://app.example.org"),
        ("localhost:5173", "http://localhost:5173"),
        ("http://app.example.org/start", "http://app.example.org"),
        ("3f9c2b7d51e84a06bb1f7c20d94e6a85", "https://app.example.com"),
    ],
)
def test_an_origin_without_a_scheme_or_with_a_path_is_refused_with_what_to_write(
    monkeypatch: pytest.MonkeyPatch, given: str, advice: str
) -> None:
    monkeypatch.setenv("CORS_ORIGINS", f"https://a.example,{given}")
    with pytest.raises(SystemExit) as ended:
        read_settings()
    assert str(ended.value) == (
        "SyncKairos can't start. CORS_ORIGINS must have a scheme and a host, without a path:"
        f" write {advice}"
    )


@pytest.mark.parametrize(
    ("name", "value"), [("PORT", "x"), ("STORE_SHARDS", "0"), ("LOG_LEVEL", "LOUD")]
)
def test_an_invalid_setting_stops_the_start(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError, match=name.lower()):
        Settings.from_environment()


_SECRET = "3f9c2b7d51e84a06bb1f7c20d94e6a85c7d3e1f0"
_WHITESPACE = ["\n", " ", "\r\n", "\t "]


@pytest.mark.parametrize(
    ("given", "level"),
    [
        ("info", "INFO"),
        ("Debug", "DEBUG"),
        ("WARNING", "WARNING"),
        ("warn", "WARNING"),
        ("trace", "DEBUG"),
        ("fatal", "ERROR"),
        ("error\n", "ERROR"),
    ],
)
def test_a_log_level_may_be_written_in_any_case(
    monkeypatch: pytest.MonkeyPatch, given: str, level: str
) -> None:
    monkeypatch.setenv("LOG_LEVEL", given)
    assert Settings.from_environment().log_level == level


@pytest.mark.parametrize("space", _WHITESPACE)
def test_white_space_around_a_setting_is_ignored(
    monkeypatch: pytest.MonkeyPatch, space: str
) -> None:
    given = {
        "DATABASE_URL": "postgresql://u:p@db.example/postgres?pgbouncer=true",
        "REDIS_URL": "rediss://default:p@redis.example:6379",
        "JWT_SECRET": _SECRET,
        "PORT": "8080",
        "APP_ENV": "production",
        "CORS_ORIGINS": "https://a.example",
        "AUDIT_WORKER": "off",
    }
    for name, value in given.items():
        monkeypatch.setenv(name, f"{space}{value}{space}")
    settings = Settings.from_environment()
    assert settings.database_url == SecretStr("postgresql://u:p@db.example/postgres")
    assert settings.redis_url == SecretStr(given["REDIS_URL"])
    assert settings.jwt_secret == SecretStr(_SECRET)
    assert (settings.port, settings.app_env, settings.audit_worker) == (8080, "production", "off")
    assert settings.cors_origins == ["https://a.example"]


def test_origins_that_may_frame_a_page_are_separated_by_commas(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("EMBED_ORIGINS", "https://A.example/, http://localhost:5173,*")
    expected = ["https://a.example", "http://localhost:5173", "*"]
    assert Settings.from_environment().embed_origins == expected


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ("a.example", "must have a scheme and a host, without a path: write https://a.example"),
        ("https://a.example/page", "must have a scheme and a host, without a path"),
        ("null", "must have hosts of letters, digits, hyphens and dots, or be *"),
        ("https://a.example;script-src", "must have hosts of letters, digits, hyphens and dots"),
        ("https://a.example https://b.example", "must have a scheme and a host"),
        ("https://*.a.example", "must have hosts of letters, digits, hyphens and dots"),
    ],
)
def test_an_origin_that_no_frame_policy_can_contain_is_refused(given: str, fault: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Settings(embed_origins=[given])
    assert fault in str(caught.value)


@pytest.mark.parametrize("blank", ["", " ", "\n"])
def test_an_empty_setting_counts_as_unset(monkeypatch: pytest.MonkeyPatch, blank: str) -> None:
    for name in Settings.model_fields:
        monkeypatch.setenv(name.upper(), blank)
    assert Settings.from_environment() == Settings()


def test_variables_of_a_node_deployment_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"NODE_ENV": "production", "SUPABASE_ANON_KEY": "eyJ", "REDIS_TLS": "true"}
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    assert Settings.from_environment() == Settings()


@pytest.mark.parametrize(
    ("yes", "no"),
    [
        ("true", "false"),
        ("TRUE", "FALSE"),
        ("True", "False"),
        ("1", "0"),
        ("yes", "no"),
        ("on", "off"),
    ],
)
def test_a_switch_may_be_written_as_any_boolean(
    monkeypatch: pytest.MonkeyPatch, yes: str, no: str
) -> None:
    monkeypatch.setenv("AUTH_DISABLED", yes)
    monkeypatch.setenv("RECOVERY", no)
    monkeypatch.setenv("PUBSUB", yes)
    settings = Settings.from_environment()
    assert (settings.auth_disabled, settings.recovery, settings.pubsub) == (True, "off", "on")


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        (
            "LOG_LEVEL",
            "verbose",
            'LOG_LEVEL must be DEBUG, INFO, WARNING or ERROR, not "verbose"',
        ),
        ("PORT", "high", 'PORT must be a whole number, not "high"; for example PORT=3000'),
        ("PORT", "70000", 'PORT must be at most 65535, not "70000"; for example PORT=3000'),
        (
            "JWT_SECRET",
            "hidden",
            "JWT_SECRET must be at least 32 bytes (RFC 7518 section 3.2)."
            " Make one: openssl rand -hex 32",
        ),
        ("PORT", _SECRET, "PORT must be a whole number; for example PORT=3000"),
        ("AUTH_DISABLED", "maybe", 'AUTH_DISABLED must be true or false, not "maybe"'),
        ("RECOVERY", "maybe", 'RECOVERY must be on or off, not "maybe"'),
        ("DATABASE_URL", f"mysql://x:{_SECRET}@h", "DATABASE_URL must begin with postgresql://"),
        ("SUPABASE_URL", "abc.supabase.co", "SUPABASE_URL must begin with http:// or https://"),
    ],
)
def test_an_invalid_setting_is_reported_in_one_sentence_without_secrets(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, sentence: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as ended:
        read_settings()
    assert str(ended.value) == f"SyncKairos can't start. {sentence}"


def test_a_log_line_is_one_json_object_with_its_extra_fields() -> None:
    record = logging.makeLogRecord(
        {"msg": "%s failed", "args": ("it",), "levelname": "ERROR", "request_id": "r1"}
    )
    line = json.loads(JsonFormatter().format(record))
    assert (line["message"], line["level"], line["request_id"]) == ("it failed", "ERROR", "r1")


def test_a_container_with_only_upstash_rest_does_not_start() -> None:
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
def test_a_container_with_an_invalid_redis_url_does_not_start(url: str, fault: str) -> None:
    with pytest.raises(SystemExit, match=fault) as ended:
        container(Settings(redis_url=SecretStr(url)), EmfMetrics())
    assert "secret" not in str(ended.value)


def test_a_container_with_a_publishable_key_but_no_service_role_key_does_not_start() -> None:
    no_key = Settings(supabase_url="https://a.example", supabase_publishable_key="sb_publishable")
    with pytest.raises(SystemExit, match="SUPABASE_PUBLISHABLE_KEY needs SUPABASE_SERVICE_ROLE"):
        container(no_key, EmfMetrics())


def test_an_audit_log_in_supabase_needs_the_service_role_key() -> None:
    with pytest.raises(SystemExit, match="SUPABASE_SERVICE_ROLE_KEY"):
        build_audit_log(Settings(supabase_url="https://a.example"))


def test_pushes_through_supabase_need_a_valid_signing_key() -> None:
    pushing = Settings(supabase_url="https://a.example", supabase_publishable_key="sb_publishable")
    with pytest.raises(SystemExit, match="SUPABASE_SIGNING_KEY"):
        make_subscriptions(pushing, holds_sockets=True)
    key = '{"kty": "EC", "crv": "P-256", "kid": "key-1", "d": "?", "x": "?", "y": "?"}'
    broken = pushing.model_copy(update={"supabase_signing_key": SecretStr(key)})
    with pytest.raises(SystemExit, match="SUPABASE_SIGNING_KEY"):
        make_subscriptions(broken, holds_sockets=False)
    named_alone = make_subscriptions(pushing, holds_sockets=False)
    assert named_alone.origins == ("https://a.example", "wss://a.example")
