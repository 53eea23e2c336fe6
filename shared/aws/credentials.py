"""AWS credentials of the function's role, as Lambda provides them."""

import os
import time
from dataclasses import dataclass
from datetime import datetime

import httpx

_RENEWED_BEFORE_S = 300


@dataclass(frozen=True, slots=True)
class Credentials:
    """Keys valid until `expire_at` (s since the Unix epoch; None: as long as the process lives)."""

    access_key_id: str
    secret_access_key: str
    session_token: str | None = None
    expire_at: float | None = None

    @property
    def are_good(self) -> bool:
        """Whether they stay valid for at least five more minutes."""
        return self.expire_at is None or time.time() < self.expire_at - _RENEWED_BEFORE_S


async def fetch_credentials(http: httpx.AsyncClient) -> Credentials:
    """Return the current credentials.

    A function restored from a snapshot requests them over HTTP (the AWS SDKs' container provider);
    any other reads them from its environment. Raises `httpx.HTTPError`, and `KeyError` where a
    field or variable is missing.
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
