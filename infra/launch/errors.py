"""The exception of a launch."""


class LaunchFailed(Exception):
    """A launch can't go on. The message says why, and what to do.

    What is done stays done: the same command goes on from there.
    """
