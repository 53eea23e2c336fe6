"""The limits that apply to a request, and the headers and refusals that state them."""

import time

import pytest

from shared.access.allowance import Allowance, RateLimiter, Rates
from shared.access.callers import ANYBODY, Caller, Role
from shared.access.rights import Operation
from shared.domain.units import Millis
from shared.errors import RateLimitExceeded, StoreUnavailable
from shared.ports import Limit, Quota

_RATES = Rates(general=100, anonymous=20_000, service=0, switches=10)
_ALICE = Caller(Role.HOST, "alice", "acme")


def _allowance(
    caller: Caller, operation: Operation = Operation.READ, rates: Rates = _RATES
) -> Allowance:
    return RateLimiter(rates).allowance(caller, "192.0.2.1", operation, "acme:session")


def _quota(limit: Limit, *, remaining: int = 0, frees_in_ms: int = 20_000) -> Quota:
    return Quota(limit, remaining == 0, remaining, Millis(frees_in_ms))


def test_callers_are_limited_by_name_and_anonymous_ones_by_address() -> None:
    assert _allowance(_ALICE).limits == (Limit("caller:acme:host:alice", 100, Millis(60_000)),)
    change = _allowance(ANYBODY, Operation.PAUSE)
    assert change.limits == (Limit("address:192.0.2.1", 100, Millis(60_000)),)
    assert change.is_shared


@pytest.mark.parametrize("operation", [Operation.READ, Operation.SUBSCRIBE, Operation.READ_HISTORY])
@pytest.mark.parametrize("caller", [ANYBODY, Caller(Role.SPECTATOR, session_id="session")])
def test_anonymous_readers_have_a_separate_larger_limit_per_address(
    caller: Caller, operation: Operation
) -> None:
    expected = (Limit("readers:192.0.2.1", 20_000, Millis(60_000)),)
    assert _allowance(caller, operation).limits == expected


def test_a_switch_also_counts_against_the_limit_of_its_session() -> None:
    counted = _allowance(ANYBODY, Operation.SWITCH).limits
    assert counted[1:] == (Limit("switches:acme:session", 10, Millis(1_000)),)


def test_each_authenticated_caller_has_its_own_switch_limit() -> None:
    counted = _allowance(_ALICE, Operation.SWITCH).limits
    assert counted[1:] == (Limit("switches:acme:session:acme:host:alice", 10, Millis(1_000)),)


def test_a_service_has_its_own_limit_and_zero_means_unlimited() -> None:
    backend = Caller(Role.SERVICE, "backend")
    assert _allowance(backend).limits == ()
    rates = Rates(general=100, service=7)
    assert [limit.most for limit in _allowance(backend, rates=rates).limits] == [7]


def test_headers_state_the_caller_s_quota_and_its_reset_in_seconds() -> None:
    allowance = _allowance(_ALICE, Operation.SWITCH)
    assert allowance.headers() == []
    general, switches = allowance.limits
    allowance.take(
        [_quota(general, remaining=41, frees_in_ms=1_001), _quota(switches, remaining=9)]
    )
    assert dict(allowance.headers()) == {
        b"ratelimit-limit": b"100",
        b"ratelimit-remaining": b"41",
        b"ratelimit-reset": b"2",
    }


def test_a_refusal_names_the_exceeded_limit_and_when_to_retry() -> None:
    allowance = _allowance(_ALICE, Operation.SWITCH)
    general, switches = allowance.limits
    with pytest.raises(RateLimitExceeded, match="Too many requests") as refused:
        allowance.take([_quota(general), _quota(switches, remaining=3)])
    assert refused.value.headers == {"Retry-After": "60"}
    with pytest.raises(RateLimitExceeded, match="Too many cycle switches") as refused:
        allowance.take([_quota(general, remaining=3), _quota(switches)])
    assert refused.value.headers == {"Retry-After": "1"}
    assert dict(allowance.headers())[b"ratelimit-limit"] == b"10"


def test_a_known_exhausted_limit_is_refused_locally_until_it_resets(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    limiter = RateLimiter(_RATES)

    def next_request() -> Allowance:
        return limiter.allowance(_ALICE, "192.0.2.1", Operation.READ, None)

    with pytest.raises(RateLimitExceeded):
        next_request().take([_quota(next_request().limits[0], frees_in_ms=20_000)])
    with pytest.raises(RateLimitExceeded):
        next_request().require()
    known = limiter.known(next_request().limits[0])
    assert known
    assert 19_000 < known.frees_in_ms <= 20_000
    later = time.monotonic() + 20.001
    monkeypatch.setattr(time, "monotonic", lambda: later)
    next_request().require()


def test_the_number_of_remembered_quotas_is_bounded() -> None:
    limiter = RateLimiter(_RATES)
    for n in range(20_000):
        limiter.remember(_quota(Limit(f"address:{n}", 1, Millis(60_000))))
    assert limiter.known(Limit("address:0", 1, Millis(60_000))) is None
    assert limiter.known(Limit("address:9999", 1, Millis(60_000))) is None
    assert limiter.known(Limit("address:10000", 1, Millis(60_000)))


def test_an_uncounted_request_passes_unless_the_limiter_fails_closed() -> None:
    _allowance(_ALICE).take([])
    closed = _allowance(_ALICE, rates=Rates(general=100, fails_open=False))
    with pytest.raises(StoreUnavailable):
        closed.take([])
    Allowance().take([])
