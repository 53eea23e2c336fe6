"""What tests of the client libraries share."""

from pathlib import Path

import pytest

from infra.local.npm import can_run, install
from tests.conftest import missing

_JAVASCRIPT = Path(__file__).parents[2] / "clients" / "js"


@pytest.fixture(scope="session")
def javascript() -> None:
    """What the library for JavaScript is tested with."""
    if not can_run():
        missing("Node")
    install(_JAVASCRIPT)
