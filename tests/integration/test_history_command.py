"""The history command prints the audit trail of one tenant's session."""

import subprocess
import sys
from pathlib import Path
from subprocess import CompletedProcess
from uuid import uuid4

from infra.local.instance import environment_without_databases
from infra.local.postgres import EmbeddedPostgres
from shared.audit.postgres import PostgresAuditLog
from shared.domain.commands import Complete, Start, Switch
from tests.support.scenarios import changes_of, entries_of

_ROOT = Path(__file__).parents[2]


def history(postgres: EmbeddedPostgres, *arguments: str) -> CompletedProcess[str]:
    """Run the command on that database."""
    command = [sys.executable, "-m", "infra.history", *arguments]
    settings = environment_without_databases() | {"DATABASE_URL": postgres.url}
    return subprocess.run(
        command, cwd=_ROOT, env=settings, capture_output=True, text=True, timeout=30
    )


async def test_history_shows_only_the_named_tenants_session(postgres: EmbeddedPostgres) -> None:
    session_id = str(uuid4())
    log = PostgresAuditLog(postgres.url)
    await log.append(
        entries_of(changes_of(Start(), Switch(), session_id=session_id, tenant="acme"))
        + entries_of(changes_of(Start(), Complete(), session_id=session_id))
    )
    await log.close()
    acme = history(postgres, session_id, "--tenant", "acme")
    assert (acme.returncode, acme.stderr) == (0, "")
    assert f"acme:{session_id}, per_participant" in acme.stdout
    assert "cycle_switched" in acme.stdout
    assert "session_completed" not in acme.stdout
    without_tenant = history(postgres, session_id)
    assert (without_tenant.returncode, without_tenant.stderr) == (0, "")
    assert "acme" not in without_tenant.stdout
    assert "cycle_switched" not in without_tenant.stdout
    assert "session_completed" in without_tenant.stdout
    unknown = history(postgres, session_id, "--tenant", "zenith")
    assert (unknown.returncode, unknown.stdout) == (
        1,
        f"The audit trail has no session zenith:{session_id}.\n",
    )
