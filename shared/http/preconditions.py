"""Entity tags: a session's version in quotes (RFC 9110 §8.8.3, §13.1)."""


def etag(version: int) -> str:
    """The tag of a version."""
    return f'"{version}"'


def tags_in(header: str | None) -> frozenset[str] | None:
    """The strong tags that `If-Match` lists, unquoted; None when it asks for nothing.

    `*` matches any session that is there, so it asks for nothing either. A weak tag never
    matches (strong comparison).
    """
    if header is None or header.strip() == "*":
        return None
    tags = (tag.strip() for tag in header.split(","))
    return frozenset(tag[1:-1] for tag in tags if tag.startswith('"') and tag.endswith('"'))


def is_known(header: str | None, version: int) -> bool:
    """Whether `If-None-Match` lists the tag of `version` (weak comparison)."""
    if header is None:
        return False
    tags = {tag.strip().removeprefix("W/") for tag in header.split(",")}
    return "*" in tags or etag(version) in tags
