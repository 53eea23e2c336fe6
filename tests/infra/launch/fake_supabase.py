"""A local stand-in for Supabase's Management API."""

from pathlib import Path
from typing import Any

from tests.infra.launch.provider import Answer, Provider

TOKEN = "sbp_token"
ORGANIZATION = "my-organization"
_MISSING = (404, {"message": "Project not found"})


class FakeSupabase(Provider):
    """Projects by ref; a new one starts for two requests of its status."""

    def __init__(self) -> None:
        super().__init__(Path(__file__).with_name("supabase.schema.json"), f"Bearer {TOKEN}")
        self.projects: dict[str, dict[str, Any]] = {}
        self.organizations = [ORGANIZATION]
        self.passwords: dict[str, str] = {}
        self.api_keys: dict[str, list[dict[str, Any]]] = {}
        self.signing_keys: dict[str, list[dict[str, Any]]] = {}
        self._starting: dict[str, int] = {}
        keys = "/projects/{ref}/config/auth/signing-keys"
        self.routes = {
            "GET /organizations": lambda: (200, [self._named(s) for s in self.organizations]),
            "GET /projects": lambda: (200, list(self.projects.values())),
            "POST /projects": self._create,
            "GET /projects/{ref}": self._get,
            "DELETE /projects/{ref}": self._delete,
            "GET /projects/{ref}/config/database/pooler": self._pooler,
            "GET /projects/{ref}/api-keys": self._list_api_keys,
            "POST /projects/{ref}/api-keys": self._create_api_key,
            f"GET {keys}": lambda ref: (200, {"keys": self.signing_keys[ref]}),
            f"POST {keys}": self._import,
            f"PATCH {keys}/{{id}}": self._update,
        }

    def add(self, name: str, password: str) -> str:
        """Add a project that is starting, and return its ref."""
        ref = chr(ord("a") + len(self.projects)) * 20
        self.projects[ref] = {"ref": ref, "name": name, "status": "COMING_UP"}
        self.passwords[ref], self._starting[ref] = password, 2
        self.api_keys[ref] = [
            {"name": "anon", "type": "legacy", "api_key": "eyJ"},
            {"name": "default", "type": "publishable", "api_key": "sb_publishable_5TqkW8"},
        ]
        in_use = {"id": "0b7c8a52-6a2c-4d0c-9a38-0f1f4c3b7d10", "algorithm": "ES256"}
        self.signing_keys[ref] = [in_use | {"status": "in_use", "public_jwk": None}]
        return ref

    def keys_in_use(self, ref: str) -> list[str]:
        """Return the ids of the signing keys in use."""
        return [one["id"] for one in self.signing_keys[ref] if one["status"] == "in_use"]

    @staticmethod
    def _named(slug: str) -> dict[str, str]:
        return {"id": slug, "slug": slug, "name": slug}

    def _create(self, body: dict[str, Any]) -> Answer:
        ref = self.add(body["name"], body["db_pass"])
        return 201, self.projects[ref]

    def _get(self, ref: str) -> Answer:
        if ref not in self.projects:
            return _MISSING
        self._starting[ref] -= 1
        if self._starting[ref] < 0:
            self.projects[ref]["status"] = "ACTIVE_HEALTHY"
        return 200, self.projects[ref]

    def _delete(self, ref: str) -> Answer:
        return (200, {"ref": ref}) if self.projects.pop(ref, None) else _MISSING

    def _pooler(self, ref: str) -> Answer:
        pooler = {"db_user": f"postgres.{ref}", "db_host": "pooler.supabase.internal"}
        more = {"db_port": 5432, "db_name": "postgres", "pool_mode": "session"}
        return 200, [
            pooler | more | {"database_type": kind} for kind in ("READ_REPLICA", "PRIMARY")
        ]

    def _list_api_keys(self, ref: str, *, reveal: bool) -> Answer:
        hidden = {} if reveal else {"api_key": None}
        return 200, [one | hidden for one in self.api_keys[ref]]

    def _create_api_key(self, ref: str, body: dict[str, Any], *, reveal: bool) -> Answer:
        made = body | {"api_key": "sb_key_8f2kq0Zt5Lm3Vx7Rw1Yc"}
        self.api_keys[ref].append(made)
        return 201, made if reveal else body

    def _import(self, ref: str, body: dict[str, Any]) -> Answer:
        jwk = body["private_jwk"]
        public = {name: value for name, value in jwk.items() if name != "d"}
        key = {"id": jwk["kid"], "algorithm": "ES256", "status": body["status"]}
        self.signing_keys[ref].append(key | {"public_jwk": public})
        return 201, self.signing_keys[ref][-1]

    def _update(self, ref: str, id: str, body: dict[str, Any]) -> Answer:  # noqa: A002
        for key in self.signing_keys[ref]:
            if body["status"] == "in_use" and key["status"] == "in_use":
                key["status"] = "previously_used"
            if key["id"] == id:
                key["status"] = body["status"]
        return 200, {}
