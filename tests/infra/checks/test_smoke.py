"""`smoke.sh` passes a working service and names the step that fails."""

import os
import subprocess
from pathlib import Path

from infra.local.instance import running
from infra.local.ports import free_port

_SCRIPT = Path(__file__).parents[3] / "infra/scripts/smoke.sh"
_SECRET = "3f9c2b7d51e84a06bb1f7c20d94e6a85c7d3e1f0a94b6d28e07c5f13ba82d96e"
_STEPS = [
    "health",
    "ready",
    "create",
    "follow",
    "start",
    "switch",
    "push",
    "pause",
    "resume",
    "complete",
    "read",
    "delete",
]


def _run(url: str, **variables: str) -> subprocess.CompletedProcess[str]:
    env = os.environ | variables
    return subprocess.run(
        [_SCRIPT, url], capture_output=True, text=True, check=False, cwd="/", env=env, timeout=40
    )


def test_a_working_service_passes_with_a_token_signed_with_its_secret(own_redis_url: str) -> None:
    with running(own_redis_url, JWT_SECRET=_SECRET) as instance:
        result = _run(instance.url, JWT_SECRET=_SECRET)
        refused = _run(instance.url, JWT_SECRET="")
    passed = [line.split()[1] for line in result.stdout.splitlines() if line.startswith("✓")]
    assert (result.returncode, passed) == (0, _STEPS), result
    assert refused.returncode == 1
    assert "create failed" in refused.stderr


def test_a_session_token_signed_with_the_secret_works_beside_an_external_issuer(
    own_redis_url: str,
) -> None:
    others = {"JWT_JWKS_URL": "https://issuer.invalid/jwks", "JWT_AUDIENCE": "theirs"}
    with running(own_redis_url, port=None, quiet=True, JWT_SECRET=_SECRET, **others) as instance:
        result = _run(instance.url, JWT_SECRET=_SECRET)
    assert result.returncode == 0, result


def test_a_push_that_does_not_arrive_is_named(own_redis_url: str) -> None:
    with running(own_redis_url, PUBSUB="off") as instance:
        result = _run(instance.url)
    assert result.returncode == 1
    assert "push failed" in result.stderr


def test_an_unreachable_service_fails_the_health_step() -> None:
    result = _run(f"http://127.0.0.1:{free_port()}")
    assert result.returncode == 1
    assert result.stderr.startswith("smoke.sh: health failed")
