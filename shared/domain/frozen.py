"""Frozen values that are cheap to change: a switch makes a dozen new ones."""

from typing import TYPE_CHECKING, Any, TypeVar

T = TypeVar("T")

if TYPE_CHECKING:
    from dataclasses import replace as replace  # its field names and types are checked this way
else:

    def replace(value: T, **changes: Any) -> T:
        """`dataclasses.replace` without the constructor, which costs a write for every field.

        For dataclasses without `__slots__` and `__post_init__`; the type checker vouches for the
        names and types of `changes`.
        """
        changed = object.__new__(type(value))
        changed.__dict__.update(value.__dict__, **changes)
        return changed


__all__ = ["replace"]
