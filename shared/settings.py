"""Everything that can be set, read once from the environment."""

import os
from typing import Annotated, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)


class Settings(BaseModel):
    """One instance's settings; the names are those of the environment, in lower case."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 3000
    redis_url: str | None = None
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

    @field_validator("cors_origins", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return [origin.strip() for origin in value.split(",") if origin.strip()]
        return value

    @field_validator("database_url")
    @classmethod
    def _is_postgres(cls, value: SecretStr | None) -> SecretStr | None:
        url = value.get_secret_value() if value else "postgres://"
        if not url.startswith(("postgres://", "postgresql://")):
            raise ValueError("must begin with postgresql://")
        if url.count("@") > 1:
            # Else a part of the password would be taken for the host, and logged as such.
            raise ValueError("must have an @ of the password written as %40")
        return value

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        if self.supabase_url and not self.supabase_service_role_key:
            raise ValueError("SUPABASE_URL needs SUPABASE_SERVICE_ROLE_KEY")
        if self.upstash_redis_rest_url and not self.upstash_redis_rest_token:
            raise ValueError("UPSTASH_REDIS_REST_URL needs UPSTASH_REDIS_REST_TOKEN")
        return self


def read_settings() -> Settings:
    """The settings. A wrong one ends the process with a sentence that names it."""
    try:
        return Settings.from_environment()
    except ValidationError as error:
        faults = "; ".join(
            ": ".join([*(str(name).upper() for name in e["loc"]), e["msg"]]) for e in error.errors()
        )
        raise SystemExit(f"SyncKairos can't start. {faults}") from None
