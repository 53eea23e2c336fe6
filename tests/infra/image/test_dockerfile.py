"""Rules for the text of the Dockerfile. tests/infra/packaging/test_image.py builds the image."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from infra.image.buildah import ROOT
from tests.conftest import missing

TEXT = (ROOT / "Dockerfile").read_text()
JOINED = re.sub(r"\\\n\s*", "", TEXT)
LINES = [line for line in JOINED.splitlines() if line and not line.startswith("#")]


def arguments(instruction: str) -> list[str]:
    return [line.partition(" ")[2] for line in LINES if line.startswith(f"{instruction} ")]


def run_hadolint(file: Path) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("hadolint")
    if not program.exists():
        missing("hadolint")
    return subprocess.run([program, file], capture_output=True, text=True, check=False)


def test_hadolint_finds_nothing() -> None:
    checked = run_hadolint(ROOT / "Dockerfile")
    assert (checked.returncode, checked.stdout) == (0, "")
    assert "hadolint ignore" not in TEXT


def test_hadolint_reports_a_command_in_shell_form(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text(TEXT + "\nCMD python -m functions.server\n")
    assert run_hadolint(tmp_path / "Dockerfile").returncode == 1


def test_base_images_are_build_arguments_with_tags() -> None:
    names = ("NODE_IMAGE", "BUILD_IMAGE", "RUN_IMAGE")
    assert [base.split()[0] for base in arguments("FROM")] == [f"${{{name}}}" for name in names]
    defaults = dict(item.split("=") for item in arguments("ARG"))
    for name in names:
        _, _, tag = defaults[name].rpartition(":")
        assert tag != "latest"
        assert "/" not in tag, f"{name} has no tag"


def test_build_and_run_images_have_the_same_python_and_debian() -> None:
    build, run = (item.partition("=")[2] for item in arguments("ARG")[1:3])
    assert "python:3.13" in build
    assert "trixie" in build
    assert "python3-debian13" in run  # trixie, whose Python is 3.13


def test_the_default_environment_is_production() -> None:
    assert "APP_ENV=production" in arguments("ENV")[0].split()


@pytest.mark.parametrize("instruction", ["CMD", "ENTRYPOINT"])
def test_commands_need_no_shell(instruction: str) -> None:
    (command,) = arguments(instruction)
    assert isinstance(json.loads(command), list)


def test_the_image_runs_the_service_and_checks_it_with_the_probe() -> None:
    assert json.loads(arguments("CMD")[0]) == ["python", "-m", "functions.server"]
    (check,) = arguments("HEALTHCHECK")
    assert json.loads(check[check.index("[") :]) == [
        "python",
        "-m",
        "functions.container.healthcheck",
    ]


def test_it_runs_as_a_numeric_user_other_than_root_and_stops_on_sigterm() -> None:
    assert arguments("USER") == ["65532:65532"]
    assert arguments("STOPSIGNAL") == ["SIGTERM"]


def test_only_locked_wheels_are_installed() -> None:
    (install,) = [line for line in arguments("RUN") if "pip install" in line]
    assert {"--require-hashes", "--only-binary"} <= set(install.split())


def test_only_locked_npm_packages_are_installed_and_their_scripts_do_not_run() -> None:
    (install,) = [line for line in arguments("RUN") if "npm" in line]
    assert install.startswith("npm ci --ignore-scripts")


def test_the_image_has_the_built_console_and_not_its_sources() -> None:
    build = TEXT[TEXT.index("AS build") : TEXT.index("FROM ${RUN_IMAGE}")]
    assert "COPY --from=console /console /app/clients/console" in build
    assert "COPY clients /" not in build


def test_copied_paths_are_listed_one_by_one() -> None:
    named = [word for copy in arguments("COPY") for word in copy.split()[:-1]]
    assert not {".", "./", "*"} & set(named)


def test_labels_have_version_and_revision_and_no_url() -> None:
    (labels,) = arguments("LABEL")
    assert 'image.version="${VERSION}"' in labels
    assert 'image.revision="${REVISION}"' in labels
    assert "://" not in labels


def test_no_secret_is_a_build_argument_or_variable() -> None:
    names = " ".join(arguments("ARG") + arguments("ENV"))
    assert not re.search(r"SECRET|TOKEN|PASSWORD|_KEY|_URL", names)
