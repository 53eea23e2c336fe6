"""The prices in prices.yml."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

_FILE = Path(__file__).with_name("prices.yml")


@cache
def price_list() -> Mapping[str, Any]:
    """Return the content of the file."""
    document: dict[str, Any] = yaml.safe_load(_FILE.read_text("utf-8"))
    return document


def machine_price() -> float:
    """Return what a machine on Fly.io that always runs costs in a month, in US dollars."""
    return float(price_list()["machine"]["price"])
