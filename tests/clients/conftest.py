"""Fixture shared by the tests of the client libraries."""

from pathlib import Path

import pytest

from infra.local.npm import is_node_installed, npm_install
from tests.conftest import missing

_JAVASCRIPT = Path(__file__).parents[2] / "clients" / "js"


@pytest.fixture(scope="session")
def javascript() -> None:
    """Install the packages that the JavaScript tests need; skip or fail without Node."""
    if not is_node_installed():
        missing("Node")
    npm_install(_JAVASCRIPT)
