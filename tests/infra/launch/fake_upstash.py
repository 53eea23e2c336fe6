"""A local stand-in for Upstash's Developer API."""

from pathlib import Path
from typing import Any

from tests.infra.launch.provider import Answer, Provider

EMAIL, API_KEY = "me@example.com", "upstash-key"
_BASIC = "Basic bWVAZXhhbXBsZS5jb206dXBzdGFzaC1rZXk="
_MISSING = (404, "not found")


class FakeUpstash(Provider):
    """Databases by id."""

    def __init__(self) -> None:
        super().__init__(Path(__file__).with_name("upstash.schema.json"), _BASIC)
        self.databases: dict[str, dict[str, Any]] = {}
        self.routes = {
            "POST /redis/database": self._create,
            "GET /redis/databases": lambda: (200, list(self.databases.values())),
            "GET /redis/database/{number}": self._get,
            "DELETE /redis/database/{number}": self._delete,
        }

    def add(self, name: str) -> str:
        """Add a database and return its id."""
        number = f"db-{len(self.databases)}"
        self.databases[number] = {
            "database_id": number,
            "database_name": name,
            "endpoint": f"{number}.upstash.internal",
            "port": 6379,
            "password": "AX9kZjQxMmEtNGU3",
            "rest_token": "AX9kZjQxMmEtNGU3Yi00YzE2LWE1",
            "state": "active",
        }
        return number

    def _create(self, body: dict[str, Any]) -> Answer:
        return 200, self.databases[self.add(body["database_name"])]

    def _get(self, number: str) -> Answer:
        return (200, self.databases[number]) if number in self.databases else _MISSING

    def _delete(self, number: str) -> Answer:
        return (200, "OK") if self.databases.pop(number, None) else _MISSING
