"""Steps of both targets around a release: whether one is needed, and what was released."""

from infra.launch.context import LaunchContext

SECRETS = "secrets"
RELEASED = "released"
ADDRESS = "address"


def has_set_secrets(launch: LaunchContext) -> bool:
    """Return whether the target has the variables that the file has now."""
    return bool(launch.journal.fact(SECRETS) == launch.fingerprint())


def is_released(launch: LaunchContext) -> bool:
    """Return whether the checked-out commit was released with the file's variables.

    With uncommitted changes it was not.
    """
    wanted = _wanted(launch)
    return wanted is not None and bool(launch.journal.fact(RELEASED) == wanted)


def record_release(launch: LaunchContext, address: str) -> None:
    """Record that the commit is released at this address, and has passed the smoke test."""
    launch.journal.record(ADDRESS, address)
    launch.journal.record(RELEASED, _wanted(launch))


def _wanted(launch: LaunchContext) -> list[str] | None:
    programs = launch.programs
    if programs.output("git", "status", "--porcelain").strip():
        return None
    return [programs.output("git", "rev-parse", "HEAD").strip(), launch.fingerprint()]
