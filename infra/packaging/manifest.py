"""The functions that serverless.yml deploys."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
LAYER_ZIP = ROOT / ".build" / "layer.zip"

LAYER_IS_OF = "switch"
"""What this function imports of others is in the layer: it is what the hot ones have in common."""


@dataclass(frozen=True, slots=True)
class Function:
    """One function: the module with its `handler`, and the zip that is deployed as its code."""

    name: str
    module: str
    zip: Path


def functions() -> list[Function]:
    """All functions, in the order of the file."""
    described: dict[str, Any] = yaml.safe_load((ROOT / "serverless.yml").read_text())["functions"]
    return [
        Function(
            name=name,
            module=function["handler"].rpartition(".")[0],
            zip=ROOT / function["package"]["artifact"],
        )
        for name, function in described.items()
    ]
