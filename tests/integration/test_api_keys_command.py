"""The command that creates, lists and revokes API keys."""

import subprocess
import sys
from pathlib import Path
from subprocess import CompletedProcess

from infra.local.instance import environment_without_databases
from shared.application.api_key_format import key_id_in

_ROOT = Path(__file__).parents[2]


def api_keys(redis_url: str, *arguments: str) -> CompletedProcess[str]:
    """Run the command on that Redis."""
    command = [sys.executable, "-m", "infra.api_keys", *arguments]
    settings = environment_without_databases() | {"REDIS_URL": redis_url}
    return subprocess.run(
        command, cwd=_ROOT, env=settings, capture_output=True, text=True, timeout=30
    )


def test_a_key_is_printed_once_listed_and_revoked(redis_url: str) -> None:
    options = ("--name", "Match server", "--role", "host", "--tenant", "a-tenant-of-this-test")
    created = api_keys(redis_url, "create", *options, "--expires-in-days", "30")
    key = created.stdout.strip()
    key_id = key_id_in(key)
    assert (created.returncode, key_id is not None) == (0, True)
    assert f"Key {key_id} for the subject key:{key_id}" in created.stderr
    tenant = options[-2:]
    listed = api_keys(redis_url, "list", *tenant)
    assert (listed.returncode, listed.stderr) == (0, "")
    assert "Match server" in listed.stdout
    assert "until 20" in listed.stdout
    assert key not in listed.stdout
    revoked = api_keys(redis_url, "revoke", key, *tenant)
    assert (revoked.returncode, revoked.stdout) == (0, f"The API key {key_id} is revoked.\n")
    assert "revoked 20" in api_keys(redis_url, "list", *tenant).stdout


def test_faults_are_named(redis_url: str) -> None:
    unknown = api_keys(redis_url, "revoke", "0" * 16)
    assert (unknown.returncode, unknown.stdout) == (1, "")
    assert unknown.stderr == f"There is no API key {'0' * 16} of this tenant.\n"
    wrong = api_keys(redis_url, "create", "--name", "x", "--role", "participant")
    assert wrong.returncode == 2
    assert "invalid choice: 'participant'" in wrong.stderr
    nowhere = api_keys("redis://127.0.0.1:1/0", "list")
    assert (nowhere.returncode, nowhere.stdout) == (1, "")
    assert nowhere.stderr.startswith("Redis can't be reached")
