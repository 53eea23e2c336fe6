"""The error of the load tool."""


class LoadFailed(Exception):
    """A run ended without figures; the message is printed as it is."""
