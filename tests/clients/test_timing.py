"""The Python client uses the intervals and timeouts that both client libraries share."""

import json
from pathlib import Path

from synckairos import timing

_TABLE = Path(__file__).parents[2] / "clients/conformance/timing.json"


def test_the_constants_equal_the_shared_table() -> None:
    table = {row["name"]: row["value"] for row in json.loads(_TABLE.read_text())}
    constants = {name: value for name, value in vars(timing).items() if name.isupper()}
    ranges = {name: list(value) for name, value in constants.items() if isinstance(value, tuple)}
    assert constants | ranges == table
