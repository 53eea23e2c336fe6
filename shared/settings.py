"""Everything that can be set, read once from the environment."""

from typing import Annotated, Literal

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode


class Settings(BaseSettings):
    """One instance's settings; the names are those of the environment, in lower case."""

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 3000
    redis_url: str = "redis://127.0.0.1:6379/0"
    store_shards: Annotated[int, Field(ge=1, le=1024)] = 1
    """Hash tags that keys are spread over; fixed for the life of the data."""
    cors_origins: Annotated[list[str], NoDecode] = []
    """Origins of pages that may call from a browser, separated by commas; `*` for all."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    @field_validator("cors_origins", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return [origin.strip() for origin in value.split(",") if origin.strip()]
        return value


def read_settings() -> Settings:
    """The settings. A wrong one ends the process with a sentence that names it."""
    try:
        return Settings()
    except ValidationError as error:
        faults = "; ".join(f"{str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors())
        raise SystemExit(f"SyncKairos can't start. {faults}") from None
