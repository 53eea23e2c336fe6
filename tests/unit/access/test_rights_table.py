"""What the table must say for others to rely on it."""

import pytest

from shared.access.callers import Role
from shared.access.rights import RIGHTS, Operation


@pytest.mark.parametrize("role", Role)
def test_who_may_read_may_listen(role: Role) -> None:
    """`GET .../realtime` hands a token to listen with to everybody who may read."""
    assert RIGHTS[role].get(Operation.READ) == RIGHTS[role].get(Operation.SUBSCRIBE)
