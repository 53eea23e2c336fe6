"""What becomes of a use of a join code if its participant isn't added."""

from typing import Any

import pytest

from shared.application.errors import ServiceError, StoreUnavailable, VersionConflict
from shared.application.join_service import Joiner, JoinService
from shared.application.ports.join_codes import JoinCode, Joined, Newcomers, OpenCode
from shared.application.ports.session_store import LoadResult
from shared.application.session_limits import SessionLimits
from shared.domain.units import Instant
from tests.support.scenarios import last_session, switched_session

_SESSION = last_session(switched_session())
_CODE = JoinCode(
    "BCDFGH", "1", _SESSION.session_id, None, "participant", Instant(0), 9, Newcomers()
)


class _Codes:
    """An open code, whose uses are listed until they are given back."""

    def __init__(self) -> None:
        self.used: list[str] = []

    async def guess(self, *_: Any) -> OpenCode:
        return OpenCode(_CODE, {})

    async def use(self, code: JoinCode, participant_id: str, *_: Any) -> Joined:
        self.used.append(participant_id)
        return Joined(code, participant_id, "token")

    async def give_back(self, code: JoinCode, participant_id: str, *_: Any) -> None:
        self.used.remove(participant_id)


class _Service:
    """A session that can be read, but not be changed."""

    def __init__(self, error: ServiceError) -> None:
        self._error = error

    async def read(self, *_: Any) -> Any:
        return _SESSION, Instant(0)

    async def change(self, *_: Any) -> None:
        raise self._error

    async def load(self, *_: Any) -> LoadResult:
        return LoadResult(Instant(0), None)


@pytest.mark.parametrize(
    ("error", "uses"),
    [(VersionConflict(1, 2), 0), (StoreUnavailable("The addition may have been made"), 1)],
)
async def test_a_use_is_given_back_if_its_participant_was_surely_not_added(
    error: ServiceError, uses: int
) -> None:
    codes, service, counter = _Codes(), _Service(error), None
    joins = JoinService(codes, service, service, SessionLimits())  # type: ignore[arg-type] # parts
    with pytest.raises(type(error)):
        await joins.join(Joiner("192.0.2.1", "BCDFGH", name="Ada"), counter)  # type: ignore[arg-type]
    assert len(codes.used) == uses
