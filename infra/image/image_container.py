"""Run the image's commands in a container, as the image's user."""

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

from infra.image.buildah import buildah_environment, docker_config
from infra.image.image_errors import ImageCheckFailed
from infra.local.ports import free_port

_START_TIMEOUT_S = 30.0
_RUN_TIMEOUT_S = 60.0
_STOP_TIMEOUT_S = 20.0
_POLL_S = 0.02
_ENDED_BY_SIGTERM = 128 + signal.SIGTERM


class ImageContainer:
    """A container of `image` with `settings`, in this machine's network and PID namespaces."""

    def __init__(self, image: str, container: str, settings: Mapping[str, str]) -> None:
        self._config = docker_config(image)
        self._container = container
        self._port = free_port()
        self._settings = {**settings, "HOST": "127.0.0.1", "PORT": str(self._port)}

    def run(self, *command: str) -> tuple[int, str]:
        """Run a command as the image's user; return its exit code and output.

        Raises `ImageCheckFailed`.
        """
        with tempfile.TemporaryFile() as output:
            runner = self._start(command, output)
            try:
                return runner.wait(_RUN_TIMEOUT_S), _read(output)
            except subprocess.TimeoutExpired:
                raise ImageCheckFailed(
                    f"{' '.join(command)} doesn't end:\n{_read(output)}"
                ) from None
            finally:
                _kill(runner)

    def run_default_command(self) -> tuple[int, str]:
        """Run the image's own command, where that is expected to exit; as `run`."""
        return self.run(*self._command)

    def is_healthy(self) -> bool:
        """Run the image's HEALTHCHECK; return whether it passes. Raises `ImageCheckFailed`."""
        kind, *command = self._config["Healthcheck"]["Test"]
        if kind != "CMD":
            raise ImageCheckFailed(f"HEALTHCHECK needs a shell: {kind}")
        return self.run(*command)[0] == 0

    @contextmanager
    def serving(self) -> Iterator[int]:
        """Run the service until the end of the block; yield its process id once it answers.

        Raises `ImageCheckFailed` if it doesn't answer.
        """
        with tempfile.TemporaryFile() as output:
            runner = self._start(self._command, output)
            try:
                if not self._wait_until_healthy(runner):
                    raise ImageCheckFailed(f"The service doesn't start:\n{_read(output)[-2000:]}")
                self._runner = runner
                yield _service_pid(runner.pid, self._command)
            finally:
                _kill(runner)

    def ask(self, path: str) -> tuple[int, Any]:
        """Request `path` of the service; return status and JSON body."""
        try:
            with urllib.request.urlopen(self._url(path), timeout=5) as answer:  # nosec B310
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def end(self, pid: int) -> float:
        """Send the image's stop signal to the service; return how long it took to stop, in s.

        Raises `ImageCheckFailed` if /ready never reports `stopping`, or the service doesn't stop,
        or its exit code is unexpected.
        """
        started = time.monotonic()
        os.kill(pid, signal.Signals[self._config["StopSignal"]])
        while self.ask("/ready")[1]["status"] != "stopping":
            if time.monotonic() > started + _STOP_TIMEOUT_S:
                raise ImageCheckFailed("After the stop signal /ready still reports ready.")
            time.sleep(_POLL_S)
        try:
            code = self._runner.wait(_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            raise ImageCheckFailed(
                f"The service hasn't stopped {_STOP_TIMEOUT_S:.0f} s after the stop signal."
            ) from None
        if code not in (0, _ENDED_BY_SIGTERM):
            raise ImageCheckFailed(
                f"The service stopped with exit code {code} after the stop signal."
            )
        return time.monotonic() - started

    @property
    def _command(self) -> list[str]:
        return [*(self._config["Entrypoint"] or []), *self._config["Cmd"]]

    def _start(self, command: Sequence[str], output: IO[bytes]) -> subprocess.Popen[bytes]:
        given = [f"--env={name}={value}" for name, value in self._settings.items()]
        return subprocess.Popen(
            ["buildah", "run", *given, self._container, "--", *command],
            env=os.environ | buildah_environment(),
            stdout=output,
            stderr=output,
            start_new_session=True,
        )

    def _wait_until_healthy(self, runner: subprocess.Popen[bytes]) -> bool:
        deadline = time.monotonic() + _START_TIMEOUT_S
        while time.monotonic() < deadline and runner.poll() is None:
            try:
                return self.ask("/health")[0] == 200
            except OSError:
                time.sleep(_POLL_S)
        return False

    def _url(self, path: str) -> str:
        return f"http://127.0.0.1:{self._port}{path}"


def _service_pid(runner: int, command: list[str]) -> int:
    """Return the descendant of `runner` that runs `command` itself."""
    for pid in _descendants(runner):
        _, *arguments = Path(f"/proc/{pid}/cmdline").read_text().rstrip("\0").split("\0")
        if arguments == command[1:]:
            return pid
    raise ImageCheckFailed(f"The service's process can't be found: {' '.join(command)}")


def _descendants(ancestor: int) -> list[int]:
    found = {ancestor}
    for pid in sorted(int(path.name) for path in Path("/proc").glob("[0-9]*")):
        if _parent(pid) in found:
            found.add(pid)
    return sorted(found - {ancestor})


def _parent(pid: int) -> int | None:
    with suppress(OSError):
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    return None


def _kill(runner: subprocess.Popen[bytes]) -> None:
    """Kill the container's processes and then `runner`, unless it has exited."""
    if runner.poll() is None:
        for pid in (*reversed(_descendants(runner.pid)), runner.pid):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        runner.wait(_STOP_TIMEOUT_S)


def _read(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="replace").strip()
