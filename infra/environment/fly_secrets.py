"""Secrets on Fly.io: their names can be read, their values only written."""

import json
import subprocess


class FlyctlError(Exception):
    """flyctl failed; the message says why."""


def secret_names(app: str) -> set[str]:
    """Return the names of the app's secrets. Raises `FlyctlError`."""
    listed = json.loads(_run(["secrets", "list", "--app", app, "--json"], "") or "[]")
    return {str(one.get("Name") or one.get("name")) for one in listed}


def set_secrets(app: str, values: dict[str, str]) -> None:
    """Set secrets; they take effect with the next release. Raises `FlyctlError`.

    The values are piped to flyctl, because other users can read command lines.
    """
    lines = "".join(f"{name}={value}\n" for name, value in values.items())
    _run(["secrets", "import", "--app", app, "--stage"], lines)


def _run(arguments: list[str], text: str) -> str:
    command = ["flyctl", *arguments]
    try:
        result = subprocess.run(command, input=text, capture_output=True, text=True, timeout=60)
    except OSError as error:
        raise FlyctlError(f"flyctl can't be started: {error.strerror}") from None
    except subprocess.TimeoutExpired:
        raise FlyctlError(f"flyctl {' '.join(arguments[:2])} took too long") from None
    if result.returncode:
        reason = (result.stderr or result.stdout).strip()
        raise FlyctlError(f"flyctl {' '.join(arguments[:2])}: {reason}")
    return result.stdout
