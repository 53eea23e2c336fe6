"""What ends a run before it has figures."""


class LoadFailed(Exception):
    """The message is one sentence for the person at the terminal."""
