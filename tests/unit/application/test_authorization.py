"""Properties of the rights table that other code relies on."""

import pytest

from shared.application.authorization import RIGHTS, Operation, Role


@pytest.mark.parametrize("role", Role)
def test_every_role_that_may_read_may_subscribe(role: Role) -> None:
    """`GET .../realtime` gives a subscription token to every caller that may read."""
    assert RIGHTS[role].get(Operation.READ) == RIGHTS[role].get(Operation.SUBSCRIBE)
