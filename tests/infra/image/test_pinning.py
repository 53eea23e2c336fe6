"""`infra/image/pin` writes the digests of all base images, or nothing (with stub programs)."""

import os
import subprocess
from pathlib import Path

import pytest

from infra.image.buildah import ROOT

DIGEST = "sha256:" + "ab" * 32
NODE = "docker.io/library/node:24-trixie-slim"
PYTHON = "docker.io/library/python:3.13-slim-trixie"
DISTROLESS = "gcr.io/distroless/python3-debian13:nonroot"


def run_pin(
    folder: Path, tool: str, answer: str, code: int = 0
) -> tuple[subprocess.CompletedProcess[str], Path, str]:
    """Run `pin` with a stub of `tool` alone; return result, output file and queries."""
    programs, queries, written = folder / "bin", folder / "asked", folder / "bases.env"
    programs.mkdir()
    for name in ("sh", "dirname"):
        (programs / name).symlink_to(f"/bin/{name}" if name == "sh" else f"/usr/bin/{name}")
    stub = programs / tool
    stub.write_text(f'#!/bin/sh\necho "$*" >>{queries}\n{answer}\nexit {code}\n')
    stub.chmod(0o755)
    result = subprocess.run(
        [ROOT / "infra/image/pin", "--output", written],
        cwd=folder,
        env=os.environ | {"PATH": str(programs)},
        capture_output=True,
        text=True,
        check=False,
    )
    return result, written, queries.read_text() if queries.exists() else ""


@pytest.mark.parametrize(
    ("tool", "question"),
    [
        ("skopeo", "inspect --no-tags --format {{.Digest}} docker://"),
        ("crane", "digest "),
        ("docker", "buildx imagetools inspect --format {{.Manifest.Digest}} "),
    ],
)
def test_all_base_images_are_pinned_with_each_supported_tool(
    tmp_path: Path, tool: str, question: str
) -> None:
    result, written, queries = run_pin(tmp_path, tool, f"echo {DIGEST}")
    assert result.returncode == 0, result.stderr
    assert written.read_text() == (
        f"NODE_IMAGE={NODE}@{DIGEST}\nBUILD_IMAGE={PYTHON}@{DIGEST}\n"
        f"RUN_IMAGE={DISTROLESS}@{DIGEST}\n"
    )
    assert queries == "".join(f"{question}{image}\n" for image in (NODE, PYTHON, DISTROLESS))


def test_without_a_supported_tool_the_supported_ones_are_named(tmp_path: Path) -> None:
    result, written, _ = run_pin(tmp_path, "unrelated", "")
    assert result.returncode == 1
    assert "skopeo, crane or docker" in result.stderr
    assert not written.exists()


def test_an_error_of_the_registry_is_reported_with_its_reason(tmp_path: Path) -> None:
    result, written, _ = run_pin(
        tmp_path, "crane", "echo 'unauthorized: sign in first' >&2", code=1
    )
    assert result.returncode == 1
    assert NODE in result.stderr
    assert "unauthorized: sign in first" in result.stderr
    assert not written.exists()


@pytest.mark.parametrize("answer", ["echo sha256:short", "echo ''", "echo '<html>'"])
def test_an_invalid_digest_is_not_written(tmp_path: Path, answer: str) -> None:
    result, written, _ = run_pin(tmp_path, "skopeo", answer)
    assert result.returncode == 1
    assert "returned no digest" in result.stderr
    assert not written.exists()


def test_some_digests_alone_are_not_written(tmp_path: Path) -> None:
    only_docker = f'case "$*" in *docker.io*) echo {DIGEST};; *) exit 1;; esac'
    result, written, _ = run_pin(tmp_path, "crane", only_docker)
    assert result.returncode == 1
    assert DISTROLESS in result.stderr
    assert not written.exists()
