"""Frozen values that are cheap to make and to change: a switch makes some thirty new ones."""

from typing import TYPE_CHECKING, Any, TypeVar

T = TypeVar("T")

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass  # nobody assigns to a field of a frozen class
    from dataclasses import replace as replace  # field names and types are checked this way
else:
    import dataclasses

    def dataclass(*, frozen: bool = False, **options: Any) -> Any:
        """`dataclasses.dataclass`, whose frozen classes only the type checker keeps frozen.

        The constructor of a class that is frozen at run time takes three times as long: it goes
        through `object.__setattr__` for each field. Equality and hash are the same.
        """
        return dataclasses.dataclass(unsafe_hash=frozen, **options)

    def replace(value: T, **changes: Any) -> T:
        """`dataclasses.replace` without the constructor, which costs a write for every field.

        For dataclasses without `__slots__` and `__post_init__`; the type checker vouches for the
        names and types of `changes`.
        """
        changed = object.__new__(type(value))
        changed.__dict__.update(value.__dict__, **changes)
        return changed


__all__ = ["dataclass", "replace"]
