"""`make run-functions` prints URLs with which its sessions can be followed."""

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
from tests.integration.realtime.clients import subscribed
from tests.support.api import CERTIFICATES, ApiClient, chess

_ROOT = Path(__file__).parents[3]
_LINES = 4
_STOPS_WITHIN_S = 20.0


@pytest.fixture
def output() -> Iterator[str]:
    """The program's first lines of output; it runs until the test ends."""
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
            yield "".join(process.stdout.readline() for _ in range(_LINES))
        finally:
            process.send_signal(signal.SIGINT)
        try:
            assert process.wait(_STOPS_WITHIN_S) == 0
        finally:
            process.kill()


async def test_sessions_can_be_followed_with_the_printed_urls(output: str) -> None:
    url, project, subscription_url = re.findall(r"http://[^\s,]+", output)
    async with httpx.AsyncClient(verify=CERTIFICATES, base_url=url, timeout=20) as http:
        api = ApiClient(http)
        session_id = await api.created(chess())
        subscription = (await http.get(subscription_url.replace("ID", session_id))).json()["data"]
        assert subscription["url"] == project
        async with subscribed("python", subscription) as client:
            await api.do(session_id, "start")
            assert (await client.message_of_version(2))["cause"] == "session_started"
