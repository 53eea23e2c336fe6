"""Frozen dataclasses that are cheap to construct and copy: a switch makes about thirty of them."""

from typing import TYPE_CHECKING, Any, TypeVar

T = TypeVar("T")

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass  # the type checker refuses assignments
    from dataclasses import replace as replace  # ... and wrong field names and types
else:
    import dataclasses

    def dataclass(*, frozen: bool = False, **options: Any) -> Any:
        """`dataclasses.dataclass`, but `frozen` is enforced by the type checker only.

        The constructor of a class that is frozen at run time takes three times as long, because
        it calls `object.__setattr__` for each field. Equality and hash are the same.
        """
        return dataclasses.dataclass(unsafe_hash=frozen, **options)

    def replace(value: T, **changes: Any) -> T:
        """`dataclasses.replace` without the constructor, which assigns every field.

        For dataclasses without `__slots__` and `__post_init__`. Only the type checker checks the
        names and types in `changes`.
        """
        changed = object.__new__(type(value))
        changed.__dict__.update(value.__dict__, **changes)
        return changed


__all__ = ["dataclass", "replace"]
