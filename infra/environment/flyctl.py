"""Secrets on Fly.io: their names can be read, their values only written."""

import json
import subprocess


class FlyFailed(Exception):
    """flyctl failed; the message says why."""


def names(app: str) -> set[str]:
    """Return the names of the app's secrets. Raises `FlyFailed`."""
    listed = json.loads(_run(["secrets", "list", "--app", app, "--json"], "") or "[]")
    return {str(one.get("Name") or one.get("name")) for one in listed}


def write(app: str, values: dict[str, str]) -> None:
    """Set secrets; they take effect with the next release. Raises `FlyFailed`.

    The values are piped to flyctl, because other users can read command lines.
    """
    lines = "".join(f"{name}={value}\n" for name, value in values.items())
    _run(["secrets", "import", "--app", app, "--stage"], lines)


def _run(arguments: list[str], text: str) -> str:
    command = ["flyctl", *arguments]
    try:
        result = subprocess.run(command, input=text, capture_output=True, text=True, timeout=60)
    except OSError as error:
        raise FlyFailed(f"flyctl can't be started: {error.strerror}") from None
    except subprocess.TimeoutExpired:
        raise FlyFailed(f"flyctl {' '.join(arguments[:2])} took too long") from None
    if result.returncode:
        reason = (result.stderr or result.stdout).strip()
        raise FlyFailed(f"flyctl {' '.join(arguments[:2])}: {reason}")
    return result.stdout
