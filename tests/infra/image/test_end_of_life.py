"""No base image and no runtime is used after its end of life (infra/end_of_life.yml)."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import yaml

from infra.image.buildah import ROOT
from infra.image.pinning import base_images

_ENDS: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "infra/end_of_life.yml").read_text())


def _used() -> Iterator[str]:
    """Yield the base images without their registry, and Lambda's runtime."""
    for image in base_images((ROOT / "Dockerfile").read_text()).values():
        yield image.rpartition("/")[2]
    yield yaml.safe_load((ROOT / "serverless.yml").read_text())["provider"]["runtime"]


def test_every_base_in_use_is_listed_and_no_other() -> None:
    assert set(_used()) == _ENDS.keys()


def test_no_base_is_past_its_end_of_life() -> None:
    today = datetime.now(UTC).date()
    assert {name: end["date"] for name, end in _ENDS.items() if end["date"] < today} == {}


def test_every_date_has_a_source() -> None:
    assert all(end["source"].startswith("https://") for end in _ENDS.values())


def test_functions_and_the_container_run_the_same_python() -> None:
    runtime = yaml.safe_load((ROOT / "serverless.yml").read_text())["provider"]["runtime"]
    version = runtime.removeprefix("python")
    assert base_images((ROOT / "Dockerfile").read_text())["BUILD_IMAGE"].startswith(
        f"docker.io/library/python:{version}-"
    )
