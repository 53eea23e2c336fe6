"""The requests with curl on the pages for people succeed, in the order of the page."""

import re
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from anyio import to_thread

from tests.conftest import missing

_ROOT = Path(__file__).parents[2]
_BLOCK = re.compile(r"^```sh\n((?:.*\n)*?)```|((?:^ {4}.*\n(?:\n(?= {4}))?)+)", re.MULTILINE)
_SERVICE = "localhost:3000"
_DATE = re.compile(r"20\d\d-\d\d-\d\d(?=T)")
_ENDLESS = re.compile(r"^ *curl -N .*$", re.MULTILINE)
"""Event streams; tests/integration/test_live.py reads them."""
_ALLOWED = re.compile(r"curl |[A-Z]+=|[ {}\"']|$")
"""How a line of such a block may begin, so that nothing else is executed."""
_START = """
set -eo pipefail
curl() { command curl --fail-with-body --show-error --max-time 30 "$@"; }
"""
_PAGES = {
    "README.md",
    "docs/individual-clocks.md",
    "docs/instants.md",
    "docs/lists.md",
    "docs/programmes.md",
    "docs/test-sessions.md",
}
_NOT_RUN = {
    "docs/api-keys.md": "an API key",
    "docs/deploy.md": "an address in the Internet",
    "docs/join-codes.md": "a session, and a token of its host",
    "docs/scheduling.md": "an instant that must be at most 60 s ahead",
    "docs/webhooks.md": "an address in the Internet",
}
"""Pages with curl to what their requests need."""


def _blocks(page: str) -> list[str]:
    """Return the blocks of code with curl, fenced or indented, without the answers in them."""
    found = ["".join(forms) for forms in _BLOCK.findall((_ROOT / page).read_text())]
    return [block.partition('    {"data"')[0] for block in found if "curl " in block]


def test_every_page_with_curl_is_run_or_has_a_reason() -> None:
    pages = [_ROOT / "README.md", *(_ROOT / "docs").rglob("*.md")]
    names = {str(page.relative_to(_ROOT)) for page in pages}
    with_requests = {name for name in names if _blocks(name)}
    assert with_requests - _NOT_RUN.keys() == _PAGES


@pytest.mark.parametrize("page", sorted(_PAGES))
async def test_the_requests_of_a_page_succeed(urls: tuple[str, str], page: str) -> None:
    script = _ENDLESS.sub("", "\n".join(_blocks(page)))
    if "jq " in script and shutil.which("jq") is None:
        missing("jq")
    assert _SERVICE in script
    assert [
        line for line in script.split("\n") if not _ALLOWED.match(line.removeprefix("    "))
    ] == []
    tomorrow = f"{datetime.now(UTC) + timedelta(days=1):%Y-%m-%d}"
    script = _DATE.sub(tomorrow, script.replace(_SERVICE, urls[0].removeprefix("http://")))
    ran = await to_thread.run_sync(_run, _START + script)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def _run(script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
