"""Instants for request bodies, by the clock of the server that gets them."""

from datetime import UTC, datetime, timedelta, timezone

from tests.support.api import ApiClient


async def instant_in(api: ApiClient, ms: int, zone: timezone = UTC) -> str:
    """Return the instant `ms` from now, by the server's clock."""
    now_ms = (await api.http.get("/v1/time")).json()["timestamp_ms"]
    instant = datetime.fromtimestamp(now_ms / 1000, zone) + timedelta(milliseconds=ms)
    return instant.isoformat(timespec="milliseconds")


def in_utc(instant: str) -> str:
    """Return the instant as the API shows it."""
    utc = datetime.fromisoformat(instant).astimezone(UTC)
    return utc.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def ms_of(instant: str) -> int:
    """Return the instant as ms since 1970."""
    return round(datetime.fromisoformat(instant).timestamp() * 1000)
