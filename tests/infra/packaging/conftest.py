"""Fixtures: the layer, the functions and the template, built once per session."""

import json
from collections.abc import Iterator

import pytest

from infra.local.npm import is_node_installed
from infra.packaging import template
from infra.packaging.build_lock import locked_build
from infra.packaging.interpreter import lambda_python
from infra.packaging.local_build import LocalBuild, build_locally
from infra.packaging.manifest import PYTHON_VERSION
from infra.packaging.packaging_errors import PackagingFailed
from infra.packaging.zips import write_zips
from tests.conftest import missing
from tests.infra.packaging.stack import Stack


@pytest.fixture(scope="session")
def _interpreter() -> None:
    try:
        lambda_python()
    except PackagingFailed:
        missing(f"CPython {PYTHON_VERSION}")


@pytest.fixture(scope="session")
def build_lock() -> Iterator[None]:
    """The lock of this checkout's builds, so that no other process replaces what is tested."""
    with locked_build():
        yield


@pytest.fixture(scope="session")
def local_build(_interpreter: None, build_lock: None) -> LocalBuild:
    """The layer and the functions, built for this machine."""
    return build_locally()


@pytest.fixture(scope="session")
def zips(_interpreter: None, build_lock: None) -> None:
    """Write the layer and the functions as zips for upload, to the paths in serverless.yml."""
    write_zips()


@pytest.fixture(scope="session", params=["dev", "prod"])
def stack(zips: None, request: pytest.FixtureRequest) -> Stack:
    """The template of a stage, made from serverless.yml by osls and checked by cfn-lint."""
    if not is_node_installed():
        missing("Node")
    template.install_tools()
    template.generate(request.param)
    template.check()
    return Stack(json.loads(template.TEMPLATE.read_text()), request.param)
