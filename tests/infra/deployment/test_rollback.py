"""`rollback.sh` deploys the image of an earlier release, without a build."""

import pytest

from tests.infra.deployment.conftest import APP, IMAGE, Checkout, release, successful_responses


def test_the_previous_release_is_deployed_again_and_smoke_tested(checkout: Checkout) -> None:
    result = checkout.run("rollback.sh", APP, "--yes")
    assert result.code == 0, result.output
    assert result.deployed == [IMAGE.format(39)]
    assert result.order[-1] == "smoke.sh"
    assert "v39" in result.output


def test_a_release_can_be_chosen_by_its_version(checkout: Checkout) -> None:
    checkout.set_responses(
        successful_responses()
        | {"flyctl releases": [[release(41), release(39), release(38), release(37)]]}
    )
    for version in ("v38", "38"):
        assert checkout.run("rollback.sh", APP, version, "--yes").code == 0
    assert checkout.run("rollback.sh", APP, "v37", "--yes").deployed[-1] == IMAGE.format(37)


def test_after_a_rollback_the_previous_release_is_one_with_another_image(
    checkout: Checkout,
) -> None:
    again = release(43) | {"ImageRef": IMAGE.format(41)}
    bad = release(42)  # it was completed, and failed its smoke test
    checkout.set_responses(
        successful_responses() | {"flyctl releases": [[again, bad, release(41), release(39)]]}
    )
    assert checkout.run("rollback.sh", APP, "--yes").deployed == [IMAGE.format(39)]


@pytest.mark.parametrize("version", ["v12", "v40"])
def test_a_release_that_never_served_is_not_deployed_again(
    checkout: Checkout, version: str
) -> None:
    result = checkout.run("rollback.sh", APP, version, "--yes")
    assert (result.code, result.deployed) == (1, [])
    assert "v41, v39" in result.output


def test_a_failed_rollback_exits_with_3_and_asks_for_action(checkout: Checkout) -> None:
    checkout.set_responses(successful_responses() | {"smoke.sh": ["no push came"]})
    result = checkout.run("rollback.sh", APP, "--yes")
    assert result.code == 3
    assert "no push came" in result.output
    assert "Act at once" in result.output


def test_without_confirmation_nothing_is_deployed(checkout: Checkout) -> None:
    result = checkout.run("rollback.sh", APP)
    assert (result.code, result.deployed) == (1, [])


@pytest.mark.parametrize("version", ["latest", "v1;rm", "-1"])
def test_an_invalid_version_is_refused(checkout: Checkout, version: str) -> None:
    result = checkout.run("rollback.sh", "--yes", APP, version)
    assert (result.code, result.calls) == (1, [])
