"""Projects at Supabase, by its Management API.

Fields and paths: https://github.com/supabase/supabase, apps/docs/spec/api_v1_openapi.json.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from infra.launch.errors import LaunchFailed
from infra.launch.http_api import ApiRefused, HttpApi

_API = "https://api.supabase.com/v1"
_CREDENTIALS = (
    "make a token in Supabase's dashboard (Account, Access Tokens), and set SUPABASE_ACCESS_TOKEN"
)
_KEY_NAME = "synckairos"
_TRANSACTION_PORT = 6543
"""The port of the transaction pooler, on the same host as the session pooler."""

KeyType = Literal["publishable", "secret"]


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A signing key of a project; only the one `in_use` signs tokens that Supabase accepts."""

    id: str
    status: str
    key_id: str
    """The `kid` of its tokens."""


class Supabase:
    """The projects of one account. All methods raise `LaunchFailed`."""

    def __init__(self, access_token: str, base_url: str = _API) -> None:
        headers = {"Authorization": f"Bearer {access_token}"}
        self._api = HttpApi("Supabase", base_url, _CREDENTIALS, headers=headers)

    def organization(self, wanted: str) -> str:
        """Return the slug of the organization `wanted`; "" means the account's only one."""
        slugs = [str(one["slug"]) for one in self._api.call("GET", "/organizations")]
        if wanted in slugs:
            return wanted
        if not wanted and len(slugs) == 1:
            return slugs[0]
        if not slugs:
            raise LaunchFailed("The account has no organization: make one in Supabase's dashboard")
        raise LaunchFailed(f"Choose an organization with ORGANIZATION=: {', '.join(slugs)}")

    def find(self, name: str) -> str | None:
        """Return the ref of the project of this name, or None."""
        found = (one for one in self._api.call("GET", "/projects") if one["name"] == name)
        return next((str(one["ref"]) for one in found), None)

    def create(self, name: str, organization: str, password: str, region: str) -> str:
        """Create a project whose database has this password; return its ref."""
        body = {
            "name": name,
            "organization_slug": organization,
            "db_pass": password,
            "region_selection": {"type": "specific", "code": region},
        }
        return str(self._api.call("POST", "/projects", body)["ref"])

    def status(self, ref: str) -> str:
        """Return the project's status; `ACTIVE_HEALTHY` if it can be used."""
        return str(self._api.call("GET", f"/projects/{ref}")["status"])

    def database_url(self, ref: str, password: str) -> str:
        """Return the URL of the transaction pooler of the project's primary database."""
        poolers = self._api.call("GET", f"/projects/{ref}/config/database/pooler")
        primary = next((one for one in poolers if one["database_type"] == "PRIMARY"), None)
        if primary is None:
            raise LaunchFailed(
                "Supabase names no pooler of the primary database. Copy the URL of the transaction"
                " pooler from the dashboard (Connect), and write it into the file as DATABASE_URL"
            )
        address = f"{primary['db_host']}:{_TRANSACTION_PORT}/{primary['db_name']}"
        return f"postgresql://{primary['db_user']}:{password}@{address}"

    def api_key(self, ref: str, kind: KeyType) -> str:
        """Return an API key of this type; make one if the project has none."""
        path = f"/projects/{ref}/api-keys"
        for one in self._api.call("GET", path, reveal="true"):
            if one.get("type") == kind and one.get("api_key"):
                return str(one["api_key"])
        made = self._api.call("POST", path, {"type": kind, "name": _KEY_NAME}, reveal="true")
        return str(made["api_key"])

    def signing_key(self, ref: str, key_id: str) -> SigningKey | None:
        """Return the project's signing key with this `kid`, or None."""
        listed = self._api.call("GET", f"/projects/{ref}/config/auth/signing-keys")["keys"]
        return next((key for key in map(_signing_key, listed) if key.key_id == key_id), None)

    def import_signing_key(self, ref: str, jwk: Mapping[str, Any]) -> None:
        """Import a private key (ES256). It is on standby: nothing is signed with it yet."""
        body = {"algorithm": "ES256", "status": "standby", "private_jwk": jwk}
        self._api.call("POST", f"/projects/{ref}/config/auth/signing-keys", body)

    def rotate_to(self, ref: str, signing_key_id: str) -> None:
        """Make a key on standby the one in use; the tokens of the previous one stay valid."""
        path = f"/projects/{ref}/config/auth/signing-keys/{signing_key_id}"
        self._api.call("PATCH", path, {"status": "in_use"})

    def delete(self, ref: str) -> None:
        """Delete a project with all its data; one that doesn't exist counts as deleted."""
        try:
            self._api.call("DELETE", f"/projects/{ref}")
        except ApiRefused as refused:
            if not refused.is_missing:
                raise

    def check_login(self) -> str:
        """Return how many organizations the account has."""
        return f"{len(self._api.call('GET', '/organizations'))} organizations"


def _signing_key(listed: Mapping[str, Any]) -> SigningKey:
    public = listed.get("public_jwk") or {}
    return SigningKey(listed["id"], listed["status"], str(public.get("kid") or listed["id"]))
