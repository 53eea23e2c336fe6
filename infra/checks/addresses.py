"""Addresses as they may be shown."""

from urllib.parse import urlsplit


def shown(url: str) -> str:
    """The address without who comes and with which password."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
