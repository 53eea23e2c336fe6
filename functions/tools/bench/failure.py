"""What makes a run worthless."""


class BenchFailed(Exception):
    """The message is one sentence for the person at the terminal."""
