"""The exception of packaging."""


class PackagingFailed(Exception):
    """The build failed; the message says why and what to do."""
