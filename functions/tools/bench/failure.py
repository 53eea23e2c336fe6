"""Error of the benchmark."""


class BenchFailed(Exception):
    """The benchmark can't go on. The message is one sentence for the user."""
