"""The servers of a soak test: service, worker, Redis and audit database."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from infra.local.instance import environment_without_databases, is_healthy
from infra.local.no_auth_settings import NO_AUTH_SETTINGS
from infra.local.ports import free_port
from infra.local.postgres import EmbeddedPostgres, embedded_postgres
from infra.local.supabase import SECRET_KEY, LocalSupabase, create_roles, local_supabase
from infra.migrate import migrate
from tests.resilience.soak.plan import SoakPlan
from tests.resilience.soak.store import RedisInspector, start_redis

_ROOT = Path(__file__).parents[3]
_START_TIMEOUT_S = 20.0
_POLL_S = 0.02


class SoakError(Exception):
    """The soak test can't go on; the message says why."""


@dataclass
class KillableProcess:
    """A Python process that can be killed and started again."""

    module: str
    settings: dict[str, str]
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def start(self) -> None:
        """Start the process; it logs errors only."""
        settings = {"LOG_LEVEL": "ERROR", **self.settings}
        command = [sys.executable, "-m", self.module]
        self.process = subprocess.Popen(
            command, cwd=_ROOT, env=environment_without_databases() | NO_AUTH_SETTINGS | settings
        )

    def kill(self) -> None:
        """Kill the process with SIGKILL."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()


class AuditDatabase:
    """The audit database, optionally behind Supabase's API."""

    def __init__(self, postgres: EmbeddedPostgres, supabase: LocalSupabase | None) -> None:
        self.postgres = postgres
        self._supabase = supabase

    @property
    def settings(self) -> dict[str, str]:
        """Settings of the service that select this database."""
        if self._supabase is None:
            return {"DATABASE_URL": self.postgres.url}
        return {"SUPABASE_URL": self._supabase.url, "SUPABASE_SERVICE_ROLE_KEY": SECRET_KEY}

    def stop(self) -> None:
        """Shut down cleanly."""
        if self._supabase:
            self._supabase.stop()
        self.postgres.stop()

    def crash(self) -> None:
        """Stop as in a crash."""
        if self._supabase:
            self._supabase.stop()
        self.postgres.crash()

    def start(self) -> None:
        """Start again after `stop` or `crash`."""
        self.postgres.start()
        if self._supabase:
            self._supabase.start()


@dataclass(frozen=True, slots=True)
class SoakEnvironment:
    """The running servers; `url` is the service's."""

    store: RedisInspector
    trail: AuditDatabase
    service: KillableProcess
    worker: KillableProcess
    url: str


@contextmanager
def soak_environment(plan: SoakPlan) -> Iterator[SoakEnvironment]:
    """Start all servers, and stop them at the end of the block. Raises `SoakError`."""
    with ExitStack() as stack:
        store = stack.enter_context(start_redis(plan))
        postgres = stack.enter_context(embedded_postgres())
        create_roles(postgres.url)
        migrate(postgres.url)
        supabase = stack.enter_context(local_supabase(postgres.url)) if plan.supabase else None
        trail, port = AuditDatabase(postgres, supabase), free_port()
        shared = {**store.settings, **trail.settings}
        server = {"HOST": "127.0.0.1", "PORT": str(port), "AUDIT_WORKER": "off"}
        service = KillableProcess("functions.server", shared | server)
        worker = KillableProcess("functions.container.audit_worker", shared)
        for mortal in (service, worker):
            stack.callback(mortal.kill)
            mortal.start()
        url = f"http://127.0.0.1:{port}"
        _wait_until_ready(url)
        yield SoakEnvironment(store, trail, service, worker, url)


def _wait_until_ready(url: str) -> None:
    deadline = time.monotonic() + _START_TIMEOUT_S
    while not is_healthy(url):
        if time.monotonic() > deadline:
            raise SoakError(f"The service at {url} doesn't start.")
        time.sleep(_POLL_S)
