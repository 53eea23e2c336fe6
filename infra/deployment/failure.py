"""How a release can end badly. The exit codes are what scripts go by."""


class Refused(Exception):
    """Something is not as it must be; nothing has been changed."""

    exit_code = 1


class ReleaseFailed(Exception):
    """A step of the release failed; says which, and why."""


class RolledBack(Exception):
    """The release failed, and the one before it serves again."""

    exit_code = 2


class Stranded(Exception):
    """The release failed, and so did the way back: somebody must look at once."""

    exit_code = 3
