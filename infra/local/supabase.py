"""Supabase's API on a local Postgres, served by Supabase's `@supabase/lite`. Needs Node.

It implements PostgREST and Auth; Realtime is in `infra.local.realtime`.
"""

import os
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from infra.local.npm import NpmError, is_node_installed, npm_install
from infra.local.ports import free_port
from infra.migrate import migrate

_FOLDER = Path(__file__).parent / "lite"
_REALTIME_SQL = Path(__file__).parent / "realtime" / "prelude.sql"
_START_TIMEOUT_S = 20.0
_POLL_S = 0.05

SECRET_KEY = "sb_secret_of_this_machine_alone"
PUBLISHABLE_KEY = "sb_publishable_of_this_machine_alone"
JWT_SECRET = SECRET_KEY.ljust(32, "-")
"""The project's JWT secret; must equal `jwt_secret` in `lite/host.mjs`."""

__all__ = [
    "JWT_SECRET",
    "PUBLISHABLE_KEY",
    "SECRET_KEY",
    "LocalSupabase",
    "SupabaseError",
    "create_project",
    "create_realtime_schema",
    "create_roles",
    "is_node_installed",
    "local_supabase",
]


class SupabaseError(Exception):
    """It can't be installed or didn't start. The message contains its output."""


def create_roles(database_url: str) -> None:
    """Create the default roles of a Supabase project; migrations grant rights to them."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        for role, more in (("anon", ""), ("authenticated", ""), ("service_role", "bypassrls")):
            connection.execute(
                f"do $$ begin create role {role} nologin {more};"
                " exception when duplicate_object then null; end $$".encode()
            )


def create_realtime_schema(database_url: str) -> None:
    """Create the default Realtime schema of a project; migrations add policies to it.

    The roles must exist already.
    """
    with psycopg.connect(database_url, autocommit=True) as connection, connection.transaction():
        connection.execute(_REALTIME_SQL.read_bytes())


def create_project(database_url: str) -> list[str]:
    """Create the roles and the Realtime schema, apply the migrations, return their names."""
    create_roles(database_url)
    create_realtime_schema(database_url)
    return migrate(database_url)


class LocalSupabase:
    """A server on `database_url`. It can be stopped and started again."""

    def __init__(self, database_url: str) -> None:
        self._database_url = database_url
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Project URL (`SUPABASE_URL`)."""
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Start it and wait until it answers. Raises `SupabaseError`."""
        variables = {
            "DATABASE_URL": self._database_url,
            "PORT": str(self._port),
            "SECRET_KEY": SECRET_KEY,
            "PUBLISHABLE_KEY": PUBLISHABLE_KEY,
            "DO_NOT_TRACK": "1",
            "LITE_TELEMETRY": "0",
        }
        with tempfile.TemporaryFile() as log:
            self._process = subprocess.Popen(
                ["node", "host.mjs"],
                cwd=_FOLDER,
                env=os.environ | variables,
                stdout=log,
                stderr=log,
            )
            deadline = time.monotonic() + _START_TIMEOUT_S
            while not self._answers():
                if self._process.poll() is not None or time.monotonic() > deadline:
                    log.seek(0)
                    raise SupabaseError(log.read().decode(errors="replace"))
                time.sleep(_POLL_S)

    def stop(self) -> None:
        """Stop the server."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
            self._process = None

    def _answers(self) -> bool:
        request = urllib.request.Request(
            f"{self.url}/rest/v1/sync_sessions?limit=0", headers={"apikey": SECRET_KEY}
        )
        try:
            with urllib.request.urlopen(request, timeout=2.0) as answer:  # nosec B310
                return bool(answer.status == 200)
        except (OSError, urllib.error.HTTPError):
            return False


@contextmanager
def local_supabase(database_url: str) -> Iterator[LocalSupabase]:
    """Start a server on a migrated database and stop it after the block.

    Raises `SupabaseError`.
    """
    try:
        npm_install(_FOLDER)
    except NpmError as failure:
        raise SupabaseError(str(failure)) from failure
    server = LocalSupabase(database_url)
    try:
        server.start()
        yield server
    finally:
        server.stop()
