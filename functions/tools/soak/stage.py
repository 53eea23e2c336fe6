"""The servers of a soak, each of which may die."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from functions.tools.soak.plan import Plan
from functions.tools.soak.store import Store, store_of
from infra.local.instance import answers, environment
from infra.local.ports import free_port
from infra.local.postgres import EmbeddedPostgres, embedded_postgres
from infra.local.supabase import SECRET_KEY, LocalSupabase, local_supabase, prepare_roles
from infra.local.unguarded import UNGUARDED
from infra.migrate import migrate

_ROOT = Path(__file__).parents[3]
_START_TIMEOUT_S = 20.0
_POLL_S = 0.02


class SoakFailed(Exception):
    """The soak can't go on; the message says why."""


@dataclass
class Mortal:
    """A process of ours that is killed now and then and started again at once."""

    module: str
    settings: dict[str, str]
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def start(self) -> None:
        """Start it; what it logs short of errors is nobody's concern."""
        own = {"LOG_LEVEL": "ERROR", **self.settings}
        command = [sys.executable, "-m", self.module]
        self.process = subprocess.Popen(command, cwd=_ROOT, env=environment() | UNGUARDED | own)

    def kill(self) -> None:
        """SIGKILL: no goodbye of any kind."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()


class Trail:
    """The audit database, with Supabase's API before it if that is asked for."""

    def __init__(self, postgres: EmbeddedPostgres, supabase: LocalSupabase | None) -> None:
        self.postgres = postgres
        self._supabase = supabase

    @property
    def settings(self) -> dict[str, str]:
        """What the service must know to reach it."""
        if self._supabase is None:
            return {"DATABASE_URL": self.postgres.url}
        return {"SUPABASE_URL": self._supabase.url, "SUPABASE_SERVICE_ROLE_KEY": SECRET_KEY}

    def stop(self) -> None:
        """Go away in good order."""
        if self._supabase:
            self._supabase.stop()
        self.postgres.stop()

    def crash(self) -> None:
        """Go away in no order at all."""
        if self._supabase:
            self._supabase.stop()
        self.postgres.crash()

    def start(self) -> None:
        """Come back."""
        self.postgres.start()
        if self._supabase:
            self._supabase.start()


@dataclass(frozen=True, slots=True)
class Stage:
    """Where a soak takes place."""

    store: Store
    trail: Trail
    service: Mortal
    worker: Mortal
    url: str


@contextmanager
def stage(plan: Plan) -> Iterator[Stage]:
    """Everything up and running, until the end of the block."""
    with ExitStack() as stack:
        store = stack.enter_context(store_of(plan))
        postgres = stack.enter_context(embedded_postgres())
        prepare_roles(postgres.url)
        migrate(postgres.url)
        supabase = stack.enter_context(local_supabase(postgres.url)) if plan.supabase else None
        trail, port = Trail(postgres, supabase), free_port()
        shared = {**store.settings, **trail.settings}
        server = {"HOST": "127.0.0.1", "PORT": str(port), "AUDIT_WORKER": "off"}
        service = Mortal("functions.server", shared | server)
        worker = Mortal("functions.tools.audit_worker", shared)
        for mortal in (service, worker):
            stack.callback(mortal.kill)
            mortal.start()
        url = f"http://127.0.0.1:{port}"
        _wait_for(url)
        yield Stage(store, trail, service, worker, url)


def _wait_for(url: str) -> None:
    give_up = time.monotonic() + _START_TIMEOUT_S
    while not answers(url):
        if time.monotonic() > give_up:
            raise SoakFailed(f"The service doesn't start at {url}.")
        time.sleep(_POLL_S)
