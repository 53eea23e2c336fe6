"""The functions that serverless.yml deploys."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
LAYER_ZIP = ROOT / ".build" / "layer.zip"

PYTHON_VERSION = str(
    yaml.safe_load((ROOT / "serverless.yml").read_text())["provider"]["runtime"]
).removeprefix("python")
"""The minor version of Lambda's runtime, such as `3.13`."""

LAYER_FUNCTION = "switch"
"""The layer holds this function's third-party imports: all hot functions need them."""


@dataclass(frozen=True, slots=True)
class Function:
    """A Lambda function: the module of its `handler` and the zip with its code."""

    name: str
    module: str
    zip: Path


def functions() -> list[Function]:
    """Return all functions, in the order of serverless.yml."""
    described: dict[str, Any] = yaml.safe_load((ROOT / "serverless.yml").read_text())["functions"]
    return [
        Function(
            name=name,
            module=function["handler"].rpartition(".")[0],
            zip=ROOT / function["package"]["artifact"],
        )
        for name, function in described.items()
    ]
