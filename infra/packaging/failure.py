"""The one error of packaging."""


class PackagingFailed(Exception):
    """Nothing usable was built; the message says why and what to do."""
