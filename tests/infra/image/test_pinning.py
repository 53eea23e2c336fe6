"""`infra/image/pin`, with stand-ins for the programs that ask registries."""

import os
import subprocess
from pathlib import Path

import pytest

from infra.image.buildah import ROOT

DIGEST = "sha256:" + "ab" * 32
PYTHON = "docker.io/library/python:3.11-slim-bookworm"
DISTROLESS = "gcr.io/distroless/python3-debian12:nonroot"


def pin(
    folder: Path, tool: str, answer: str, code: int = 0
) -> tuple[subprocess.CompletedProcess[str], Path, str]:
    """Run it where `tool` is the only one there; also what it wrote to, and how it asked."""
    programs, asked, written = folder / "bin", folder / "asked", folder / "bases.env"
    programs.mkdir()
    for name in ("sh", "dirname"):
        (programs / name).symlink_to(f"/bin/{name}" if name == "sh" else f"/usr/bin/{name}")
    fake = programs / tool
    fake.write_text(f'#!/bin/sh\necho "$*" >>{asked}\n{answer}\nexit {code}\n')
    fake.chmod(0o755)
    ran = subprocess.run(
        [ROOT / "infra/image/pin", "--output", written],
        cwd=folder,
        env=os.environ | {"PATH": str(programs)},
        capture_output=True,
        text=True,
        check=False,
    )
    return ran, written, asked.read_text() if asked.exists() else ""


@pytest.mark.parametrize(
    ("tool", "question"),
    [
        ("skopeo", "inspect --no-tags --format {{.Digest}} docker://"),
        ("crane", "digest "),
        ("docker", "buildx imagetools inspect --format {{.Manifest.Digest}} "),
    ],
)
def test_both_bases_are_pinned_by_whichever_tool_is_there(
    tmp_path: Path, tool: str, question: str
) -> None:
    ran, written, asked = pin(tmp_path, tool, f"echo {DIGEST}")
    assert ran.returncode == 0, ran.stderr
    assert written.read_text() == (
        f"BUILD_IMAGE={PYTHON}@{DIGEST}\nRUN_IMAGE={DISTROLESS}@{DIGEST}\n"
    )
    assert asked == f"{question}{PYTHON}\n{question}{DISTROLESS}\n"


def test_without_such_a_tool_it_says_which_it_takes(tmp_path: Path) -> None:
    ran, written, _ = pin(tmp_path, "unrelated", "")
    assert ran.returncode == 1
    assert "skopeo, crane or docker" in ran.stderr
    assert not written.exists()


def test_a_registry_that_refuses_is_told_with_its_reason(tmp_path: Path) -> None:
    ran, written, _ = pin(tmp_path, "crane", "echo 'unauthorized: sign in first' >&2", code=1)
    assert ran.returncode == 1
    assert PYTHON in ran.stderr
    assert "unauthorized: sign in first" in ran.stderr
    assert not written.exists()


@pytest.mark.parametrize("answer", ["echo sha256:short", "echo ''", "echo '<html>'"])
def test_what_is_no_digest_is_never_written(tmp_path: Path, answer: str) -> None:
    ran, written, _ = pin(tmp_path, "skopeo", answer)
    assert ran.returncode == 1
    assert "returned no digest" in ran.stderr
    assert not written.exists()


def test_one_base_alone_is_not_written(tmp_path: Path) -> None:
    only_python = f'case "$*" in *python:3.11*) echo {DIGEST};; *) exit 1;; esac'
    ran, written, _ = pin(tmp_path, "crane", only_python)
    assert ran.returncode == 1
    assert DISTROLESS in ran.stderr
    assert not written.exists()
