"""Everything that can be set, read once from the environment."""

import json
import os
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)

from shared.connection_urls import postgres_url, redis_url
from shared.settings_faults import sentences

_SECRET_BYTES = 32
_OWN = frozenset({"DEBUG", "INFO", "WARNING", "ERROR"})
_LEVELS = {"TRACE": "DEBUG", "WARN": "WARNING", "FATAL": "ERROR", "CRITICAL": "ERROR"}
"""Levels of other loggers by the nearest one here."""
_SWITCHES = {
    **dict.fromkeys(("on", "true", "1", "yes"), "on"),
    **dict.fromkeys(("off", "false", "0", "no"), "off"),
}


class Settings(BaseModel):
    """One instance's settings; the names are those of the environment, in lower case."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 3000
    redis_url: SecretStr | None = None
    """Any Redis by its native protocol; the container's own way."""
    upstash_redis_rest_url: str | None = None
    """A database at Upstash by its REST protocol; the functions' way."""
    upstash_redis_rest_token: SecretStr | None = None
    store_shards: Annotated[int, Field(ge=1, le=1024)] = 1
    """Hash tags that keys are spread over; fixed for the life of the data."""
    database_url: SecretStr | None = None
    """The audit trail's Postgres; goes before Supabase's API where both are set."""
    supabase_url: str | None = None
    supabase_service_role_key: SecretStr | None = None
    supabase_publishable_key: str | None = None
    """What clients show Supabase Realtime; with it changes are pushed there."""
    supabase_jwt_secret: SecretStr | None = None
    """Signs the tokens of Realtime's listeners: the project's own (HS256)."""
    supabase_signing_key: SecretStr | None = None
    """The same with a key imported into the project: a private JWK (ES256) with its `kid`."""
    realtime_rate_limit: Annotated[int, Field(ge=0)] = 100
    """Messages a second that this instance sends to Supabase Realtime; 0 for any number."""
    audit_worker: Literal["on", "off"] = "on"
    """Whether this process also carries the outbox into the audit trail."""
    recovery: Literal["on", "off"] = "on"
    """Whether sessions that Redis has lost are restored from the audit trail."""
    pubsub: Literal["on", "off"] = "on"
    """Whether changes are published in Redis, for the containers that listen there."""
    alarm_queue_url: str | None = None
    """Where functions set alarms for sessions that must be woken."""
    audit_queue_url: str | None = None
    """Where functions say that the outbox is empty no more."""
    longest_alarm_s: Annotated[int, Field(ge=0, le=900)] = 900
    """How far ahead an alarm can be set, s; SQS delays no message for longer than 900."""
    app_env: Literal["local", "production"] = "local"
    """In production nothing has a default that would be unsafe there."""
    auth_disabled: bool | None = None
    """Whether whoever calls may do everything. By default where no token could be read, locally."""
    jwt_secret: SecretStr | None = None
    """Signs tokens (HS256); also those of other issuers where there is no `jwt_jwks_url`."""
    jwt_jwks_url: str | None = None
    """Where the keys are of who issues tokens, as Supabase Auth does."""
    jwt_algorithm: Literal["ES256", "RS256"] = "ES256"
    """What the issuer behind `jwt_jwks_url` signs with."""
    jwt_issuer: str | None = None
    jwt_audience: str | None = None
    trusted_proxy_hops: Annotated[int, Field(ge=0, le=16)] = 0
    """How many proxies of ours a request comes through; no more of X-Forwarded-For is believed."""
    rate_limit_general: Annotated[int, Field(ge=0)] = 100
    """Requests a minute of one caller; 0 for any number, as with the others."""
    rate_limit_anonymous: Annotated[int | None, Field(ge=0)] = None
    """Reads and subscriptions a minute of all who come from one address without a token.

    By default 200 times the general limit. A classroom is one address: 200 pages that poll, for
    want of sockets, ask 14 000 times a minute.
    """
    rate_limit_service: Annotated[int, Field(ge=0)] = 0
    """Requests a minute with one service token: a backend speaks for all of its users."""
    rate_limit_switch: Annotated[int, Field(ge=0)] = 10
    """Switches a second of one session."""
    rate_limit_failure: Literal["open", "closed"] = "open"
    """Whether a request is served (`open`) that could not be counted."""
    max_sessions_per_caller: Annotated[int, Field(ge=1)] = 1000
    """Live sessions of one host."""
    max_bytes_per_caller: Annotated[int, Field(ge=1024 * 1024)] = 32 * 1024 * 1024
    """Bytes that are kept in the store of one host's sessions and of the answers to it."""
    max_written_per_caller: Annotated[int, Field(ge=1024 * 1024)] = 64 * 1024 * 1024
    """Bytes a minute that are written of one host's sessions, with their audit entries."""
    max_automatic_load_per_session: Annotated[int, Field(ge=8)] = 200
    """Participants times the changes a second that come without a command, of one session."""
    max_automatic_load_per_caller: Annotated[int, Field(ge=8)] = 400
    """The same of all running sessions of one host together."""
    max_sockets_per_caller: Annotated[int, Field(ge=1)] = 100
    """Open sockets and event streams of one caller at one instance."""
    max_sockets_per_address: Annotated[int | None, Field(ge=1)] = None
    """The same of all who come from one address without a token; by default ten times as many."""
    client_timeout_s: Annotated[float, Field(gt=0)] = 10
    """How long a client may keep us waiting: for the rest of a request, or for room to answer."""
    metrics_token: SecretStr | None = None
    """Whoever asks for /metrics must send it; only then are tenants told apart there."""
    metrics_port: Annotated[int, Field(ge=1, le=65535)] | None = None
    """Where /metrics is served to everybody, and nothing else: never to be routed to the public."""
    otel_exporter_otlp_endpoint: str | None = None
    """Where traces are sent (OTLP over HTTP); the SDK reads the other variables by itself."""
    drain_s: Annotated[float, Field(ge=0, le=300)] = 0
    """How long the container goes on serving once it is told to end, for proxies to notice, s."""
    cors_origins: list[str] = []
    """Origins of pages that may call from a browser, separated by commas; `*` for all."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    @classmethod
    def from_environment(cls) -> Self:
        """What the environment says; an empty variable says nothing. Raises `ValidationError`.

        pydantic-settings does the same and more, and takes longer than all of this project's
        settings are worth to a function that starts.
        """
        said = {name: os.environ.get(name.upper()) for name in cls.model_fields}
        return cls.model_validate({name: value for name, value in said.items() if value})

    @model_validator(mode="before")
    @classmethod
    def _without_margins(cls, values: Any) -> Any:
        """Drop the white space around each value, and each value that is nothing else.

        Secrets that were copied, or read from a file, often end with a line break.
        """
        stripped = {k: v.strip() if isinstance(v, str) else v for k, v in values.items()}
        return {name: value for name, value in stripped.items() if value != ""}

    @field_validator("log_level", mode="before")
    @classmethod
    def _level(cls, value: object) -> object:
        """Accept a level in any case, and the names that other loggers have for it."""
        if isinstance(value, str):
            return _LEVELS.get(value.upper(), value.upper() if value.upper() in _OWN else value)
        return value

    @field_validator("audit_worker", "recovery", "pubsub", mode="before")
    @classmethod
    def _switch(cls, value: object) -> object:
        """Accept `on` and `off` in any case, and the words that other switches have for them."""
        return _SWITCHES.get(value.lower(), value) if isinstance(value, str) else value

    @field_validator("app_env", "rate_limit_failure", mode="before")
    @classmethod
    def _lower(cls, value: object) -> object:
        return value.lower() if isinstance(value, str) else value

    @field_validator("jwt_algorithm", mode="before")
    @classmethod
    def _upper(cls, value: object) -> object:
        return value.upper() if isinstance(value, str) else value

    @field_validator("cors_origins", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return [origin.strip() for origin in value.split(",") if origin.strip()]
        return value

    @field_validator("supabase_signing_key")
    @classmethod
    def _is_key(cls, value: SecretStr | None) -> SecretStr | None:
        try:
            key = json.loads(value.get_secret_value()) if value else {}
            is_one = not value or ((key["kty"], key["crv"]) == ("EC", "P-256") and key["d"])
        except (ValueError, TypeError, KeyError):
            is_one = False
        if not is_one or (value and not key.get("kid")):
            raise ValueError("must be a private P-256 key with a kid, as a JWK")
        return value

    @field_validator("jwt_secret")
    @classmethod
    def _is_long(cls, value: SecretStr | None) -> SecretStr | None:
        if value and len(value.get_secret_value().encode()) < _SECRET_BYTES:
            raise ValueError(
                f"must be at least {_SECRET_BYTES} bytes (RFC 7518 section 3.2)."
                " Make one: openssl rand -hex 32"
            )
        return value

    @field_validator("database_url")
    @classmethod
    def _for_libpq(cls, value: SecretStr | None) -> SecretStr | None:
        return value and SecretStr(postgres_url(value.get_secret_value()))

    @field_validator("redis_url")
    @classmethod
    def _for_redis_py(cls, value: SecretStr | None) -> SecretStr | None:
        return value and SecretStr(redis_url(value.get_secret_value()))

    @field_validator(
        "otel_exporter_otlp_endpoint", "upstash_redis_rest_url", "supabase_url", "jwt_jwks_url"
    )
    @classmethod
    def _is_web_address(cls, value: str | None) -> str | None:
        if value and not value.startswith(("http://", "https://")):
            raise ValueError("must begin with http:// or https://")
        return value

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        if self.supabase_publishable_key and not self.supabase_url:
            raise ValueError("SUPABASE_PUBLISHABLE_KEY needs SUPABASE_URL")
        if self.upstash_redis_rest_url and not self.upstash_redis_rest_token:
            raise ValueError("UPSTASH_REDIS_REST_URL needs UPSTASH_REDIS_REST_TOKEN")
        if self.app_env == "production" and self.auth_disabled:
            raise ValueError("AUTH_DISABLED can't be true where APP_ENV is production")
        if self.auth_disabled is False and not (self.jwt_secret or self.jwt_jwks_url):
            raise ValueError("AUTH_DISABLED=false needs JWT_SECRET or JWT_JWKS_URL")
        if self.metrics_port is not None and self.metrics_port == self.port:
            raise ValueError("METRICS_PORT must be another one than PORT")
        return self

    @property
    def anonymous_rate(self) -> int:
        """Reads and subscriptions a minute from one address without a token; 0 for any number."""
        if self.rate_limit_anonymous is None:
            return 200 * self.rate_limit_general
        return self.rate_limit_anonymous

    @property
    def sockets_per_address(self) -> int:
        """Open sockets and event streams from one address without a token."""
        return self.max_sockets_per_address or 10 * self.max_sockets_per_caller

    @property
    def asks_for_tokens(self) -> bool:
        """Whether callers must say who they are."""
        if self.auth_disabled is not None:
            return not self.auth_disabled
        return self.app_env == "production" or bool(self.jwt_secret or self.jwt_jwks_url)

    @property
    def pushes_to_supabase(self) -> bool:
        """Whether clients listen to Supabase Realtime, so that changes are pushed there."""
        return self.supabase_publishable_key is not None


def read_settings() -> Settings:
    """The settings. A wrong one ends the process with a sentence that names it."""
    try:
        return Settings.from_environment()
    except ValidationError as error:
        faults = "; ".join(sentences(error, Settings))
        raise SystemExit(f"SyncKairos can't start. {faults}") from None
