"""Secrets on Fly.io: their names can be read, their values only written."""

import json
import subprocess


class FlyFailed(Exception):
    """flyctl won't; says why."""


def names(app: str) -> set[str]:
    """Those that are set. Raises `FlyFailed`."""
    listed = json.loads(_run(["secrets", "list", "--app", app, "--json"], "") or "[]")
    return {str(one.get("Name") or one.get("name")) for one in listed}


def write(app: str, values: dict[str, str]) -> None:
    """Set them, through a pipe that nobody else sees; they hold from the next release on.

    Raises `FlyFailed`.
    """
    lines = "".join(f"{name}={value}\n" for name, value in values.items())
    _run(["secrets", "import", "--app", app, "--stage"], lines)


def _run(arguments: list[str], text: str) -> str:
    command = ["flyctl", *arguments]
    try:
        done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=60)
    except OSError as error:
        raise FlyFailed(f"flyctl can't be started: {error.strerror}") from None
    except subprocess.TimeoutExpired:
        raise FlyFailed(f"flyctl {' '.join(arguments[:2])} took too long") from None
    if done.returncode:
        raise FlyFailed(f"flyctl {' '.join(arguments[:2])}: {(done.stderr or done.stdout).strip()}")
    return done.stdout
