"""Settings, read once from the environment."""

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

from shared.settings.connection_urls import postgres_url, redis_url
from shared.settings.error_messages import fault_messages
from shared.settings.web_origins import framing_origin, web_origin

_SECRET_BYTES = 32
_LEVEL_NAMES = frozenset({"DEBUG", "INFO", "WARNING", "ERROR"})
_LEVEL_ALIASES = {"TRACE": "DEBUG", "WARN": "WARNING", "FATAL": "ERROR", "CRITICAL": "ERROR"}
"""Level names of other loggers, mapped to the nearest level here."""
_SWITCH_ALIASES = {
    **dict.fromkeys(("on", "true", "1", "yes"), "on"),
    **dict.fromkeys(("off", "false", "0", "no"), "off"),
}


class Settings(BaseModel):
    """Settings of one instance, named as the environment variables, in lower case."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    host: str = "127.0.0.1"
    """Address on which the container listens."""
    port: Annotated[int, Field(ge=0, le=65535)] = 3000
    """Port on which the container listens; 0 lets the system choose one."""
    redis_url: SecretStr | None = None
    """Redis 6.2 or newer, or Valkey, over its native protocol; for the container.

    One server, a cluster or Sentinels. `make run` starts a Redis if it isn't set.
    """
    upstash_redis_rest_url: str | None = None
    """Upstash Redis over its REST protocol; for the functions."""
    upstash_redis_rest_token: SecretStr | None = None
    """Token for `UPSTASH_REDIS_REST_URL`."""
    store_shards: Annotated[int, Field(ge=1, le=1024)] = 1
    """Number of hash tags that keys are spread over, for a cluster.

    It can't change while there is data.
    """
    database_url: SecretStr | None = None
    """Postgres of the audit trail; used instead of Supabase's API if both are set.

    Options that only Prisma or Node's `pg` know are dropped or translated. `make run` starts a
    Postgres if it isn't set; otherwise there is no trail.
    """
    supabase_url: str | None = None
    """URL of the Supabase project, for the audit trail and for Realtime."""
    supabase_service_role_key: SecretStr | None = None
    """Secret API key of the Supabase project."""
    supabase_publishable_key: str | None = None
    """API key that clients send to Supabase Realtime. If it is set, changes are pushed there."""
    supabase_jwt_secret: SecretStr | None = None
    """The project's legacy secret (HS256), which signs the tokens of Realtime's subscribers."""
    supabase_signing_key: SecretStr | None = None
    """Used instead of `SUPABASE_JWT_SECRET`: a private JWK (ES256) with its `kid`.

    `supabase gen signing-key` makes one; import it into the project.
    """
    realtime_rate_limit: Annotated[int, Field(ge=0)] = 100
    """Messages per second that this instance may take of the Supabase project's limit, sent and
    delivered; 0 means unlimited."""
    supabase_presence: Literal["on", "off"] = "on"
    """`on`: clients that follow a session through Supabase Realtime are shown in its presence, also
    there. Each of them joins a second channel."""
    audit_worker: Literal["on", "off"] = "on"
    """`on`: this process also writes audit entries to the database, if one is set, and sends
    webhooks.

    `off`: another process does (`python -m functions.container.audit_worker`).
    """
    recovery: Literal["on", "off"] = "on"
    """`on`: sessions that Redis has lost are restored from the audit trail."""
    pubsub: Literal["on", "off"] = "on"
    """`on`: changes are published in Redis, for containers that subscribe there."""
    alarm_queue_url: str | None = None
    """SQS queue for the alarms that wake sessions; for the functions."""
    audit_queue_url: str | None = None
    """SQS queue that starts the audit function when the outbox is no longer empty."""
    longest_alarm_s: Annotated[int, Field(ge=0, le=900)] = 900
    """Longest delay of an alarm, in seconds; SQS delays a message by at most 900 s."""
    app_env: Literal["local", "production"] = "local"
    """`production`: refuse to start if a required setting is missing or a placeholder."""
    auth_disabled: bool | None = None
    """`true`: no authentication (not allowed in production).

    By default `true` if `APP_ENV` is `local` and neither `JWT_SECRET` nor `JWT_JWKS_URL` is set.
    With `false` and neither of them, only API keys are accepted.
    """
    jwt_secret: SecretStr | None = None
    """Secret that signs and verifies tokens (HS256), at least 32 bytes.

    It also verifies your backend's tokens, unless `JWT_JWKS_URL` is set.
    """
    jwt_jwks_url: str | None = None
    """Public keys (JWKS) of another token issuer, such as Supabase Auth."""
    jwt_algorithm: Literal["ES256", "RS256"] = "ES256"
    """Algorithm of the issuer behind `JWT_JWKS_URL`."""
    jwt_issuer: str | None = None
    """Required claim `iss` of access tokens; any value is accepted if it isn't set."""
    jwt_audience: str | None = None
    """Required claim `aud` of access tokens; any value is accepted if it isn't set."""
    trusted_proxy_hops: Annotated[int, Field(ge=0, le=16)] = 0
    """Number of your own proxies in front; that many `X-Forwarded-For` entries are trusted."""
    rate_limit_general: Annotated[int, Field(ge=0)] = 100
    """Requests per minute of one caller; 0 means unlimited."""
    rate_limit_anonymous: Annotated[int | None, Field(ge=0)] = None
    """Reads and subscriptions per minute from one address without a token; 0 means unlimited.

    By default 200 times `RATE_LIMIT_GENERAL`. A classroom is one address: 200 pages that poll,
    because they have no sockets, send 14 000 requests a minute.
    """
    rate_limit_service: Annotated[int, Field(ge=0)] = 0
    """Requests per minute with one service token; 0 means unlimited.

    A backend uses one service token for all of its users.
    """
    rate_limit_switch: Annotated[int, Field(ge=0)] = 10
    """Switches per second of one session; 0 means unlimited."""
    rate_limit_failure: Literal["open", "closed"] = "open"
    """`closed`: refuse requests while the rate limiter is unavailable; `open`: serve them."""
    max_sessions_per_caller: Annotated[int, Field(ge=1)] = 1000
    """Live sessions of one host; approximate with several shards."""
    max_bytes_per_caller: Annotated[int, Field(ge=1024 * 1024)] = 32 * 1024 * 1024
    """Bytes in Redis for one host's sessions, join codes and idempotency records.

    Approximate with several shards.
    """
    max_written_per_caller: Annotated[int, Field(ge=1024 * 1024)] = 64 * 1024 * 1024
    """Bytes written per minute for one host's sessions and their audit entries."""
    max_automatic_load_per_session: Annotated[int, Field(ge=8)] = 200
    """Participants times automatic changes per second, of one session."""
    max_automatic_load_per_caller: Annotated[int, Field(ge=8)] = 400
    """The same for all running sessions of one host; each counts at least 8 participants."""
    max_sockets_per_caller: Annotated[int, Field(ge=1)] = 100
    """Open sockets and event streams of one caller at one instance."""
    max_sockets_per_address: Annotated[int | None, Field(ge=1)] = None
    """Open sockets and event streams from one address without a token, at one instance.

    By default ten times `MAX_SOCKETS_PER_CALLER`.
    """
    client_timeout_s: Annotated[float, Field(gt=0)] = 10
    """Seconds for a client to send the rest of a request, or to receive some of a response."""
    metrics_token: SecretStr | None = None
    """Bearer token required for `/metrics`; per-tenant figures appear only if it is set.

    In production, `/metrics` is closed without it.
    """
    metrics_port: Annotated[int, Field(ge=1, le=65535)] | None = None
    """Port that serves only `/metrics`, without a token; never expose it to the public."""
    otel_exporter_otlp_endpoint: str | None = None
    """Endpoint for traces (OTLP over HTTP). OpenTelemetry's other variables apply too."""
    drain_s: Annotated[float, Field(ge=0, le=300)] = 0
    """Seconds that the container keeps serving after SIGTERM, so that proxies notice."""
    cors_origins: list[str] = []
    """Origins of browser pages that may call the API, separated by commas; `*` for all.

    An origin has a scheme and a host, such as `https://app.example.com`.
    """
    embed_origins: list[str] = []
    """Origins of web pages that may show `/embed` in a frame, separated by commas; `*` for all.

    Without it no page may. All other pages of the service can never be shown in a frame.
    """
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """Least severe level that is logged: `DEBUG`, `INFO`, `WARNING` or `ERROR`, in any case."""

    @classmethod
    def from_environment(cls) -> Self:
        """Read the environment; empty variables count as not set. Raises `ValidationError`.

        pydantic-settings does the same, but slows down the cold start of a function.
        """
        values = {name: os.environ.get(name.upper()) for name in cls.model_fields}
        return cls.model_validate({name: value for name, value in values.items() if value})

    @model_validator(mode="before")
    @classmethod
    def _stripped(cls, values: Any) -> Any:
        """Strip white space from each value, and drop values that are then empty.

        Secrets that were copied or read from a file often end with a line break.
        """
        stripped = {k: v.strip() if isinstance(v, str) else v for k, v in values.items()}
        return {name: value for name, value in stripped.items() if value != ""}

    @field_validator("log_level", mode="before")
    @classmethod
    def _level(cls, value: object) -> object:
        """Accept level names in any case, and those of other loggers."""
        if isinstance(value, str):
            return _LEVEL_ALIASES.get(
                value.upper(), value.upper() if value.upper() in _LEVEL_NAMES else value
            )
        return value

    @field_validator("audit_worker", "recovery", "pubsub", mode="before")
    @classmethod
    def _switch(cls, value: object) -> object:
        """Accept `on` and `off` in any case, and the usual synonyms such as `true` and `0`."""
        return _SWITCH_ALIASES.get(value.lower(), value) if isinstance(value, str) else value

    @field_validator("app_env", "rate_limit_failure", mode="before")
    @classmethod
    def _lower(cls, value: object) -> object:
        return value.lower() if isinstance(value, str) else value

    @field_validator("jwt_algorithm", mode="before")
    @classmethod
    def _upper(cls, value: object) -> object:
        return value.upper() if isinstance(value, str) else value

    @field_validator("cors_origins", "embed_origins", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return [origin.strip() for origin in value.split(",") if origin.strip()]
        return value

    @field_validator("cors_origins")
    @classmethod
    def _check_origins(cls, value: list[str]) -> list[str]:
        return [web_origin(origin) for origin in value]

    @field_validator("embed_origins")
    @classmethod
    def _check_framing_origins(cls, value: list[str]) -> list[str]:
        return [framing_origin(origin) for origin in value]

    @field_validator("supabase_signing_key")
    @classmethod
    def _require_private_jwk(cls, value: SecretStr | None) -> SecretStr | None:
        try:
            key = json.loads(value.get_secret_value()) if value else {}
            is_private_p256 = not value or (
                (key["kty"], key["crv"]) == ("EC", "P-256") and key["d"]
            )
        except (ValueError, TypeError, KeyError):
            is_private_p256 = False
        if not is_private_p256 or (value and not key.get("kid")):
            raise ValueError("must be a private P-256 key with a kid, as a JWK")
        return value

    @field_validator("jwt_secret")
    @classmethod
    def _require_length(cls, value: SecretStr | None) -> SecretStr | None:
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
    def _require_http_url(cls, value: str | None) -> str | None:
        if value and not value.startswith(("http://", "https://")):
            raise ValueError("must begin with http:// or https://")
        return value

    @model_validator(mode="after")
    def _check_combinations(self) -> Self:
        if self.supabase_publishable_key and not self.supabase_url:
            raise ValueError("SUPABASE_PUBLISHABLE_KEY needs SUPABASE_URL")
        if self.upstash_redis_rest_url and not self.upstash_redis_rest_token:
            raise ValueError("UPSTASH_REDIS_REST_URL needs UPSTASH_REDIS_REST_TOKEN")
        if self.app_env == "production" and self.auth_disabled:
            raise ValueError("AUTH_DISABLED can't be true where APP_ENV is production")
        if self.metrics_port is not None and self.metrics_port == self.port:
            raise ValueError("METRICS_PORT must differ from PORT")
        return self

    @property
    def anonymous_rate(self) -> int:
        """Reads and subscriptions a minute from one address without a token; 0 means unlimited."""
        if self.rate_limit_anonymous is None:
            return 200 * self.rate_limit_general
        return self.rate_limit_anonymous

    @property
    def sockets_per_address(self) -> int:
        """Open sockets and event streams from one address without a token."""
        return self.max_sockets_per_address or 10 * self.max_sockets_per_caller

    @property
    def requires_authentication(self) -> bool:
        """Whether callers must authenticate."""
        if self.auth_disabled is not None:
            return not self.auth_disabled
        return self.app_env == "production" or bool(self.jwt_secret or self.jwt_jwks_url)

    @property
    def pushes_to_supabase(self) -> bool:
        """Whether clients subscribe at Supabase Realtime, so that changes are pushed there."""
        return self.supabase_publishable_key is not None


def read_settings() -> Settings:
    """Read the settings. If one is invalid, exit with a message that names it."""
    try:
        return Settings.from_environment()
    except ValidationError as error:
        faults = "; ".join(fault_messages(error, Settings))
        raise SystemExit(f"SyncKairos can't start. {faults}") from None
