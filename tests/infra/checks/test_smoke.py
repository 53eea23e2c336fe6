"""`smoke.sh` tells a service that works from one that doesn't."""

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


def test_a_service_that_works_passes_with_a_token_of_its_secret(own_redis_url: str) -> None:
    with running(own_redis_url, JWT_SECRET=_SECRET) as instance:
        ended = _run(instance.url, JWT_SECRET=_SECRET)
        refused = _run(instance.url, JWT_SECRET="")
    passed = [line.split()[1] for line in ended.stdout.splitlines() if line.startswith("✓")]
    assert (ended.returncode, passed) == (0, _STEPS), ended
    assert refused.returncode == 1
    assert "create failed" in refused.stderr


def test_where_others_issue_the_tokens_ours_for_one_session_is_good(own_redis_url: str) -> None:
    others = {"JWT_JWKS_URL": "https://issuer.invalid/jwks", "JWT_AUDIENCE": "theirs"}
    with running(own_redis_url, port=None, quiet=True, JWT_SECRET=_SECRET, **others) as instance:
        ended = _run(instance.url, JWT_SECRET=_SECRET)
    assert ended.returncode == 0, ended


def test_a_push_that_does_not_arrive_is_named(own_redis_url: str) -> None:
    with running(own_redis_url, PUBSUB="off") as instance:
        ended = _run(instance.url)
    assert ended.returncode == 1
    assert "push failed" in ended.stderr


def test_no_service_is_a_sentence() -> None:
    ended = _run(f"http://127.0.0.1:{free_port()}")
    assert ended.returncode == 1
    assert ended.stderr.startswith("smoke.sh: health failed")
