"""What is deployed, built once for all of these tests."""

import json

import pytest

from infra.local.npm import is_node_installed
from infra.packaging import template
from infra.packaging.interpreter import python312
from infra.packaging.local_build import LocalBuild, build_locally
from infra.packaging.packaging_errors import PackagingFailed
from infra.packaging.zips import write_zips
from tests.conftest import missing
from tests.infra.packaging.stack import Stack


@pytest.fixture(scope="session")
def _interpreter() -> None:
    try:
        python312()
    except PackagingFailed:
        missing("CPython 3.12")


@pytest.fixture(scope="session")
def here(_interpreter: None) -> LocalBuild:
    """The layer and the functions, for this machine."""
    return build_locally()


@pytest.fixture(scope="session")
def zips(_interpreter: None) -> None:
    """The layer and the functions as they are uploaded, where serverless.yml says."""
    write_zips()


@pytest.fixture(scope="session", params=["dev", "prod"])
def stack(zips: None, request: pytest.FixtureRequest) -> Stack:
    """The template of a stage as osls makes it from serverless.yml; cfn-lint has passed it."""
    if not is_node_installed():
        missing("Node")
    template.install_tools()
    template.generate(request.param)
    template.check()
    return Stack(json.loads(template.TEMPLATE.read_text()))
