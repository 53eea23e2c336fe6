"""Whose name calls to AWS are signed in: the function's own role, as Lambda hands it over."""

import os
import time
from dataclasses import dataclass
from datetime import datetime

import httpx

_RENEWED_BEFORE_S = 300


@dataclass(frozen=True, slots=True)
class Credentials:
    """Keys that are good until `expire_at` (seconds since the Unix epoch; None: as long as we)."""

    access_key_id: str
    secret_access_key: str
    session_token: str | None = None
    expire_at: float | None = None

    @property
    def are_good(self) -> bool:
        """Whether they will last for a while."""
        return self.expire_at is None or time.time() < self.expire_at - _RENEWED_BEFORE_S


async def fetch(http: httpx.AsyncClient) -> Credentials:
    """The credentials as they are now.

    A function that was restored from a snapshot asks for them (AWS SDKs call this the container
    provider); any other has them in its environment. Raises `httpx.HTTPError`.
    """
    if url := os.environ.get("AWS_CONTAINER_CREDENTIALS_FULL_URI"):
        token = os.environ.get("AWS_CONTAINER_AUTHORIZATION_TOKEN", "")
        answer = await http.get(url, headers={"Authorization": token})
        answer.raise_for_status()
        return _read(answer.json())
    return Credentials(
        os.environ["AWS_ACCESS_KEY_ID"],
        os.environ["AWS_SECRET_ACCESS_KEY"],
        os.environ.get("AWS_SESSION_TOKEN"),
    )


def _read(document: dict[str, str]) -> Credentials:
    return Credentials(
        document["AccessKeyId"],
        document["SecretAccessKey"],
        document["Token"],
        datetime.fromisoformat(document["Expiration"]).timestamp(),
    )
