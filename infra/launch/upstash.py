"""Redis databases at Upstash, by its Developer API.

Fields and paths: https://github.com/upstash/docs, devops/developer-api/openapi.yml.
"""

from dataclasses import dataclass
from typing import Any

from infra.launch.errors import LaunchFailed
from infra.launch.http_api import ApiRefused, HttpApi

_API = "https://api.upstash.com/v2"
_CREDENTIALS = (
    "make a key in Upstash's console (Account, Management API), and set UPSTASH_EMAIL and"
    " UPSTASH_API_KEY"
)


@dataclass(frozen=True, slots=True)
class RedisDatabase:
    """The addresses of a database, with credentials."""

    redis_url: str
    rest_url: str
    rest_token: str


class Upstash:
    """The databases of one account. All methods raise `LaunchFailed`."""

    def __init__(self, email: str, api_key: str, base_url: str = _API) -> None:
        self._api = HttpApi("Upstash", base_url, _CREDENTIALS, auth=(email, api_key))

    def find(self, name: str) -> str | None:
        """Return the id of the database of this name, or None."""
        found = (one for one in self._databases() if one.get("database_name") == name)
        return next((str(one["database_id"]) for one in found), None)

    def create(self, name: str, region: str) -> str:
        """Create a database without eviction, in a region of AWS; return its id."""
        body = {
            "database_name": name,
            "platform": "aws",
            "primary_region": region,
            "tls": True,
            "eviction": False,
        }
        return str(self._api.call("POST", "/redis/database", body)["database_id"])

    def database(self, database_id: str) -> RedisDatabase:
        """Return the addresses of a database."""
        found = self._api.call("GET", f"/redis/database/{database_id}")
        if found.get("state") != "active":
            raise LaunchFailed(
                f"The database {found.get('database_name')} is {found.get('state')!r}, not active:"
                " wait until Upstash's console shows it as active, then run the same command again"
            )
        endpoint = found["endpoint"]
        return RedisDatabase(
            f"rediss://default:{found['password']}@{endpoint}:{found['port']}",
            f"https://{endpoint}",
            found["rest_token"],
        )

    def delete(self, database_id: str) -> None:
        """Delete a database with all its data; one that doesn't exist counts as deleted."""
        try:
            self._api.call("DELETE", f"/redis/database/{database_id}")
        except ApiRefused as refused:
            if not refused.is_missing:
                raise

    def check_login(self) -> str:
        """Return how many databases the account has."""
        return f"{len(self._databases())} databases"

    def _databases(self) -> list[dict[str, Any]]:
        return list(self._api.call("GET", "/redis/databases") or [])
