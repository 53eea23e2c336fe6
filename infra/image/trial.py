"""The image at work: its own commands, as its own user, in a container."""

import json
import os
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from infra.image.buildah import config, environment
from infra.image.failure import ImageFailed
from infra.local.ports import free_port

_START_TIMEOUT_S = 30.0
_RUN_TIMEOUT_S = 60.0
_STOP_TIMEOUT_S = 20.0
_POLL_S = 0.02
_ENDED_BY_SIGTERM = 128 + signal.SIGTERM


class Trial:
    """A container of `image` with `settings`; it shares this machine's network and processes."""

    def __init__(self, image: str, container: str, settings: Mapping[str, str]) -> None:
        self._config = config(image)
        self._container = container
        self._port = free_port()
        self._settings = {**settings, "HOST": "127.0.0.1", "PORT": str(self._port)}

    def run(self, *command: str) -> tuple[int, str]:
        """Exit code and words of a command, started as the image's user."""
        with tempfile.TemporaryFile() as said:
            runner = self._start(command, said)
            try:
                return runner.wait(_RUN_TIMEOUT_S), _read(said)
            except subprocess.TimeoutExpired:
                raise ImageFailed(f"{' '.join(command)} doesn't end:\n{_read(said)}") from None
            finally:
                _end(runner)

    def run_own(self) -> tuple[int, str]:
        """The same of the image's own command, where that is expected to end by itself."""
        return self.run(*self._command)

    def is_healthy(self) -> bool:
        """What the image's own HEALTHCHECK finds."""
        kind, *command = self._config["Healthcheck"]["Test"]
        if kind != "CMD":
            raise ImageFailed(f"HEALTHCHECK needs a shell: {kind}")
        return self.run(*command)[0] == 0

    @contextmanager
    def serving(self) -> Iterator[int]:
        """The image's own command, from when it answers to the end of the block; its process id.

        Raises `ImageFailed` when it doesn't answer.
        """
        with tempfile.TemporaryFile() as said:
            runner = self._start(self._command, said)
            try:
                if not self._comes_to_answer(runner):
                    raise ImageFailed(f"The service doesn't start:\n{_read(said)[-2000:]}")
                self._runner = runner
                yield _service(runner.pid, self._command)
            finally:
                _end(runner)

    def ask(self, path: str) -> tuple[int, Any]:
        """Status and JSON of what the service answers."""
        try:
            with urllib.request.urlopen(self._url(path), timeout=5) as answer:  # nosec B310
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def end(self, pid: int) -> float:
        """Tell the service to end, see that it says so, and wait; how long it took, s.

        Raises `ImageFailed` when it stays, ends otherwise than asked to, or doesn't say so.
        """
        began = time.monotonic()
        os.kill(pid, signal.Signals[self._config["StopSignal"]])
        while self.ask("/ready")[1]["status"] != "stopping":
            if time.monotonic() > began + _STOP_TIMEOUT_S:
                raise ImageFailed("Told to end, it goes on saying that it is ready.")
            time.sleep(_POLL_S)
        try:
            code = self._runner.wait(_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            raise ImageFailed(f"Told to end, it is there {_STOP_TIMEOUT_S:.0f} s later.") from None
        if code not in (0, _ENDED_BY_SIGTERM):
            raise ImageFailed(f"Told to end, it ended with exit code {code}.")
        return time.monotonic() - began

    @property
    def _command(self) -> list[str]:
        return [*(self._config["Entrypoint"] or []), *self._config["Cmd"]]

    def _start(self, command: Sequence[str], said: IO[bytes]) -> subprocess.Popen[bytes]:
        given = [f"--env={name}={value}" for name, value in self._settings.items()]
        return subprocess.Popen(
            ["buildah", "run", *given, self._container, "--", *command],
            env=os.environ | environment(),
            stdout=said,
            stderr=said,
            start_new_session=True,
        )

    def _comes_to_answer(self, runner: subprocess.Popen[bytes]) -> bool:
        give_up = time.monotonic() + _START_TIMEOUT_S
        while time.monotonic() < give_up and runner.poll() is None:
            try:
                return self.ask("/health")[0] == 200
            except OSError:
                time.sleep(_POLL_S)
        return False

    def _url(self, path: str) -> str:
        return f"http://127.0.0.1:{self._port}{path}"


def _service(runner: int, command: list[str]) -> int:
    """The process below `runner` that is `command` itself, and not who waits for it."""
    for pid in _below(runner):
        _, *arguments = Path(f"/proc/{pid}/cmdline").read_text().rstrip("\0").split("\0")
        if arguments == command[1:]:
            return pid
    raise ImageFailed(f"The service's process can't be found: {' '.join(command)}")


def _below(ancestor: int) -> list[int]:
    """Every process that comes from `ancestor`, itself not included."""
    found = {ancestor}
    for pid in sorted(int(path.name) for path in Path("/proc").glob("[0-9]*")):
        if _parent(pid) in found:
            found.add(pid)
    return sorted(found - {ancestor})


def _parent(pid: int) -> int | None:
    with suppress(OSError):
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    return None


def _end(runner: subprocess.Popen[bytes]) -> None:
    """Whoever waits for a container, and what goes on in it, if it hasn't ended."""
    if runner.poll() is None:
        for pid in (*reversed(_below(runner.pid)), runner.pid):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        runner.wait(_STOP_TIMEOUT_S)


def _read(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="replace").strip()
