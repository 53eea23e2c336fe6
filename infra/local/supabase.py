"""Supabase's API on a local Postgres, by Supabase's own `@supabase/lite`, for tests.

It knows PostgREST and Auth; `infra.local.realtime` is what it lacks. It needs Node.
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

from infra.local.npm import NpmFailed, can_run, install
from infra.local.ports import free_port
from infra.migrate import migrate

_FOLDER = Path(__file__).parent / "lite"
_REALTIME = Path(__file__).parent / "realtime" / "prelude.sql"
_START_TIMEOUT_S = 20.0
_POLL_S = 0.05

SECRET_KEY = "sb_secret_of_this_machine_alone"
PUBLISHABLE_KEY = "sb_publishable_of_this_machine_alone"
JWT_SECRET = SECRET_KEY.ljust(32, "-")
"""The project's own, as `lite/host.mjs` has it."""

__all__ = [
    "JWT_SECRET",
    "PUBLISHABLE_KEY",
    "SECRET_KEY",
    "LocalSupabase",
    "SupabaseFailed",
    "can_run",
    "local_supabase",
    "prepare_project",
    "prepare_realtime",
    "prepare_roles",
]


class SupabaseFailed(Exception):
    """It can't be installed or didn't start; the message says why, as far as it is known."""


def prepare_roles(database_url: str) -> None:
    """The roles that a Supabase project is born with; migrations grant rights to them."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        for role, more in (("anon", ""), ("authenticated", ""), ("service_role", "bypassrls")):
            connection.execute(
                f"do $$ begin create role {role} nologin {more};"
                " exception when duplicate_object then null; end $$".encode()
            )


def prepare_realtime(database_url: str) -> None:
    """The schema of Realtime that a project is born with; migrations add policies to it.

    The roles must be there already.
    """
    with psycopg.connect(database_url, autocommit=True) as connection, connection.transaction():
        connection.execute(_REALTIME.read_bytes())


def prepare_project(database_url: str) -> list[str]:
    """All that a project is born with, and our migrations; returns the names of these."""
    prepare_roles(database_url)
    prepare_realtime(database_url)
    return migrate(database_url)


class LocalSupabase:
    """One server on `database_url`; it may be stopped and started again."""

    def __init__(self, database_url: str) -> None:
        self._database_url = database_url
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """What a project's URL is."""
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Start it and wait until it answers. Raises `SupabaseFailed`."""
        own = {
            "DATABASE_URL": self._database_url,
            "PORT": str(self._port),
            "SECRET_KEY": SECRET_KEY,
            "PUBLISHABLE_KEY": PUBLISHABLE_KEY,
            "DO_NOT_TRACK": "1",
            "LITE_TELEMETRY": "0",
        }
        with tempfile.TemporaryFile() as log:
            self._process = subprocess.Popen(
                ["node", "host.mjs"], cwd=_FOLDER, env=os.environ | own, stdout=log, stderr=log
            )
            give_up = time.monotonic() + _START_TIMEOUT_S
            while not self._answers():
                if self._process.poll() is not None or time.monotonic() > give_up:
                    log.seek(0)
                    raise SupabaseFailed(log.read().decode(errors="replace"))
                time.sleep(_POLL_S)

    def stop(self) -> None:
        """End it."""
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
    """A server on a migrated database, from when it answers to the end of the block.

    Raises `SupabaseFailed`.
    """
    try:
        install(_FOLDER)
    except NpmFailed as failure:
        raise SupabaseFailed(str(failure)) from failure
    server = LocalSupabase(database_url)
    try:
        server.start()
        yield server
    finally:
        server.stop()
