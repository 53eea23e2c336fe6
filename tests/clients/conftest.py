"""What tests of the client libraries share."""

from pathlib import Path

import pytest

from infra.local.npm import is_node_installed, npm_install
from tests.conftest import missing

_JAVASCRIPT = Path(__file__).parents[2] / "clients" / "js"


@pytest.fixture(scope="session")
def javascript() -> None:
    """What the library for JavaScript is tested with."""
    if not is_node_installed():
        missing("Node")
    npm_install(_JAVASCRIPT)
