"""The price of a machine on Fly.io."""

from pathlib import Path

import yaml

_PRICES = Path(__file__).with_name("prices.yml")


def machine_price() -> float:
    """Return what a machine that always runs costs in a month, in US dollars."""
    document = yaml.safe_load(_PRICES.read_text("utf-8"))
    return float(document["machine"]["price"])
