"""Error of the benchmark."""


class BenchError(Exception):
    """The benchmark can't go on. The message is one sentence for the user."""
