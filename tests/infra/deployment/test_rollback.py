"""`rollback.sh`: an earlier release serves again, without a build."""

import pytest

from tests.infra.deployment.conftest import APP, IMAGE, Checkout, all_well, release


def test_the_release_before_is_put_back_and_tried(checkout: Checkout) -> None:
    ended = checkout.ends("rollback.sh", APP, "--yes")
    assert ended.code == 0, ended.said
    assert ended.deployed == [IMAGE.format(39)]
    assert ended.order[-1] == "smoke.sh"
    assert "v39" in ended.said


def test_a_release_is_put_back_by_its_version(checkout: Checkout) -> None:
    checkout.answer(
        all_well() | {"flyctl releases": [[release(41), release(39), release(38), release(37)]]}
    )
    for version in ("v38", "38"):
        assert checkout.ends("rollback.sh", APP, version, "--yes").code == 0
    assert checkout.ends("rollback.sh", APP, "v37", "--yes").deployed[-1] == IMAGE.format(37)


def test_after_a_rollback_the_one_before_is_still_another_image(checkout: Checkout) -> None:
    again = release(43) | {"ImageRef": IMAGE.format(41)}
    bad = release(42)  # it was completed, and failed its smoke test
    checkout.answer(all_well() | {"flyctl releases": [[again, bad, release(41), release(39)]]})
    assert checkout.ends("rollback.sh", APP, "--yes").deployed == [IMAGE.format(39)]


@pytest.mark.parametrize("version", ["v12", "v40"])
def test_what_never_served_is_not_put_back(checkout: Checkout, version: str) -> None:
    ended = checkout.ends("rollback.sh", APP, version, "--yes")
    assert (ended.code, ended.deployed) == (1, [])
    assert "v41, v39" in ended.said


def test_a_rollback_that_fails_is_said_aloud(checkout: Checkout) -> None:
    checkout.answer(all_well() | {"smoke.sh": ["no push came"]})
    ended = checkout.ends("rollback.sh", APP, "--yes")
    assert ended.code == 3
    assert "no push came" in ended.said
    assert "Act at once" in ended.said


def test_without_consent_nothing_is_done(checkout: Checkout) -> None:
    ended = checkout.ends("rollback.sh", APP)
    assert (ended.code, ended.deployed) == (1, [])


@pytest.mark.parametrize("version", ["latest", "v1;rm", "-1"])
def test_what_is_no_version_is_refused(checkout: Checkout, version: str) -> None:
    ended = checkout.ends("rollback.sh", "--yes", APP, version)
    assert (ended.code, ended.calls) == (1, [])
