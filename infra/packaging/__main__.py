"""`python -m infra.packaging`: build, compile, pack and check everything `osls deploy` uploads."""

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

from infra.packaging import template
from infra.packaging.build_lock import locked_build
from infra.packaging.local_build import build_locally
from infra.packaging.manifest import LAYER_ZIP, PYTHON_VERSION, functions
from infra.packaging.packaging_errors import PackagingFailed
from infra.packaging.zips import write_zips

_MIB = 1024 * 1024


def main() -> None:
    """Run all steps and print their durations; exit with an error message if one fails."""
    options = _options()
    try:
        with locked_build():
            if options.platform == "host":
                _step("functions and layer, unpacked for this machine", build_locally)
            else:
                _package(options.stage)
    except PackagingFailed as error:
        sys.exit(f"package: {error}")


def _package(stage: str) -> None:
    _step(f"functions and layer for Lambda (arm64, Python {PYTHON_VERSION})", write_zips)
    _step("osls and its packages", template.install_tools)
    _step(f"the CloudFormation template of stage {stage}", lambda: template.generate(stage))
    _step("cfn-lint", template.check)
    zips = [function.zip for function in functions()]
    largest = max(zips, key=_size_mib)
    print(
        f"package: {len(zips)} functions, the largest is {largest.stem} with"
        f" {_size_mib(largest):.1f} MiB; the layer has {_size_mib(LAYER_ZIP):.1f} MiB"
    )


def _step(name: str, action: Callable[[], object]) -> None:
    print(f"package: {name} ...", end="", flush=True)
    started = time.monotonic()
    try:
        action()
    except PackagingFailed:
        print()
        raise
    print(f" {time.monotonic() - started:.1f} s")


def _size_mib(path: Path) -> float:
    return path.stat().st_size / _MIB


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m infra.packaging", description=__doc__)
    parser.add_argument("--stage", default="dev", help="dev, staging or prod (default: dev)")
    parser.add_argument(
        "--platform",
        choices=["lambda", "host"],
        default="lambda",
        help="host: only folders under .build/host that this machine can import",
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
