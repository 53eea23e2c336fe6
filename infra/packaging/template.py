"""Generate the CloudFormation template from serverless.yml with osls; check it with cfn-lint."""

import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infra.local.npm import NpmError, is_node_installed, npm_install
from infra.packaging.manifest import ROOT
from infra.packaging.packaging_errors import PackagingFailed

_TOOLS = ROOT / "infra" / "aws"
TEMPLATE = ROOT / ".serverless" / "cloudformation-template-update-stack.json"

_REDUNDANT_DEPENDENCY = "W3005"
"""osls repeats implicit dependencies as `DependsOn`, which is harmless."""


def install_tools() -> None:
    """Install osls with npm. Raises `PackagingFailed`."""
    if not is_node_installed():
        raise PackagingFailed("osls needs Node 20 or newer with npm. Install it and try again.")
    try:
        npm_install(_TOOLS)
    except NpmError as error:
        raise PackagingFailed(str(error)) from None


def generate(stage: str) -> None:
    """Write the template of a stage to `TEMPLATE`. Needs the zips, but no AWS account."""
    osls = str(_TOOLS / "node_modules" / ".bin" / "osls")
    with _emulated_aws() as url:
        environment = {name: v for name, v in os.environ.items() if not name.startswith("AWS_")}
        aws = {
            "AWS_ENDPOINT_URL": url,
            "AWS_ACCESS_KEY_ID": "none",
            "AWS_SECRET_ACCESS_KEY": "none",
            "AWS_EC2_METADATA_DISABLED": "true",
            "NODE_NO_WARNINGS": "1",
        }
        _run([osls, "package", "--stage", stage], ROOT, environment | aws)


def check() -> None:
    """Check the template. Raises `PackagingFailed` with cfn-lint's errors."""
    lint = [str(Path(sys.executable).with_name("cfn-lint")), "--non-zero-exit-code", "error"]
    ignored = ["--ignore-checks", _REDUNDANT_DEPENDENCY]
    _run([*lint, *ignored, "--template", str(TEMPLATE)], ROOT, dict(os.environ))


@contextmanager
def _emulated_aws() -> Iterator[str]:
    """Run an empty AWS emulator: osls queries the deployed layer even when it only packages."""
    from moto.server import ThreadedMotoServer  # takes 0.5 s, and only this function needs it

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield f"http://{host}:{port}"
    finally:
        server.stop()


def _run(command: list[str], folder: Path, environment: dict[str, str]) -> None:
    result = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    if result.returncode:
        text = (result.stdout + result.stderr).strip()
        raise PackagingFailed(f"{Path(command[0]).name} {command[1]} failed:\n{text}")
