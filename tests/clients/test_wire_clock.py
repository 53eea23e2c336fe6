"""The formula of the clocks on the wire: the vectors that both client libraries share."""

import json
from pathlib import Path
from typing import Any

import pytest
from synckairos import shown

_FILE = Path(__file__).parents[2] / "clients" / "conformance" / "clocks.json"


@pytest.mark.parametrize("vector", json.loads(_FILE.read_text())["vectors"], ids=str)
def test_a_clock_shows_the_value_of_each_vector(vector: dict[str, Any]) -> None:
    clock, server_time_ms = vector["clock"], vector["server_time_ms"]
    for at, value in vector["shown"]:
        assert shown(clock, server_time_ms, at) == value, at
