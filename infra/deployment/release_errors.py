"""The exceptions of a release, with the exit codes of `deploy.sh` and `rollback.sh`."""


class ReleaseRefused(Exception):
    """A precondition isn't met; nothing has been changed."""

    exit_code = 1


class ReleaseStepFailed(Exception):
    """A step of the release failed; the message says which one, and why."""


class RolledBack(Exception):
    """The release failed, and the previous one serves again."""

    exit_code = 2


class RollbackFailed(Exception):
    """The rollback failed, or there is no release to roll back to: someone must act at once."""

    exit_code = 3
