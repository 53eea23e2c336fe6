"""`make run-functions`: what it says, and that its sessions can be followed."""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from subprocess import PIPE

import httpx
import pytest

from infra.local.instance import environment_without_databases
from infra.local.supabase import is_node_installed
from tests.conftest import missing
from tests.integration.realtime.clients import following
from tests.support.api import CERTIFICATES, ApiClient, chess

_ROOT = Path(__file__).parents[3]
_LINES = 4
_STOP_S = 20.0


@pytest.fixture
def greeting() -> Iterator[str]:
    """What it says, while it runs."""
    if not is_node_installed():
        missing("Node")
    with subprocess.Popen(
        [sys.executable, "-m", "infra.local.run_functions"],
        cwd=_ROOT,
        env=environment_without_databases() | {"PORT": "0"},
        stdout=PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout
            said = "".join(process.stdout.readline() for _ in range(_LINES))
            yield said
        finally:
            process.send_signal(signal.SIGINT)
        assert process.wait(_STOP_S) == 0


async def test_sessions_can_be_followed_as_it_says(greeting: str) -> None:
    url, project, how = re.findall(r"http://[^\s,]+", greeting)
    async with httpx.AsyncClient(verify=CERTIFICATES, base_url=url, timeout=20) as http:
        api = ApiClient(http)
        session_id = await api.created(chess())
        found = (await http.get(how.replace("ID", session_id))).json()["data"]
        assert found["url"] == project
        async with following("python", found) as client:
            await api.do(session_id, "start")
            assert (await client.version(2))["cause"] == "session_started"
