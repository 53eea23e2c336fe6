"""The limits that apply to a request, and the headers and refusals that state them."""

import time

import pytest

from shared.application.authorization import UNAUTHENTICATED_CALLER, Caller, Operation, Role
from shared.application.errors import RateLimitExceeded, StoreUnavailable
from shared.application.ports.rate_limit import RateLimit, RateLimitState
from shared.auth.rate_limits import RateLimiter, RateLimits, RequestRateLimit
from shared.domain.units import Millis

_RATES = RateLimits(general=100, anonymous=20_000, service=0, switches=10)
_ALICE = Caller(Role.HOST, "alice", "acme")


def _rate_limit(
    caller: Caller, operation: Operation = Operation.READ, rates: RateLimits = _RATES
) -> RequestRateLimit:
    return RateLimiter(rates).for_request(caller, "192.0.2.1", operation, "acme:session")


def _quota(limit: RateLimit, *, remaining: int = 0, retry_after_ms: int = 20_000) -> RateLimitState:
    return RateLimitState(limit, remaining == 0, remaining, Millis(retry_after_ms))


def test_callers_are_limited_by_name_and_anonymous_ones_by_address() -> None:
    assert _rate_limit(_ALICE).limits == (RateLimit("caller:acme:host:alice", 100, Millis(60_000)),)
    change = _rate_limit(UNAUTHENTICATED_CALLER, Operation.PAUSE)
    assert change.limits == (RateLimit("address:192.0.2.1", 100, Millis(60_000)),)
    assert change.is_shared


@pytest.mark.parametrize("operation", [Operation.READ, Operation.SUBSCRIBE, Operation.READ_HISTORY])
@pytest.mark.parametrize(
    "caller", [UNAUTHENTICATED_CALLER, Caller(Role.SPECTATOR, session_id="session")]
)
def test_anonymous_readers_have_a_separate_larger_limit_per_address(
    caller: Caller, operation: Operation
) -> None:
    expected = (RateLimit("readers:192.0.2.1", 20_000, Millis(60_000)),)
    assert _rate_limit(caller, operation).limits == expected


def test_a_switch_also_counts_against_the_limit_of_its_session() -> None:
    counted = _rate_limit(UNAUTHENTICATED_CALLER, Operation.SWITCH).limits
    assert counted[1:] == (RateLimit("switches:acme:session", 10, Millis(1_000)),)


def test_each_authenticated_caller_has_its_own_switch_limit() -> None:
    counted = _rate_limit(_ALICE, Operation.SWITCH).limits
    assert counted[1:] == (RateLimit("switches:acme:session:acme:host:alice", 10, Millis(1_000)),)


def test_a_service_has_its_own_limit_and_zero_means_unlimited() -> None:
    backend = Caller(Role.SERVICE, "backend")
    assert _rate_limit(backend).limits == ()
    rates = RateLimits(general=100, service=7)
    assert [limit.most for limit in _rate_limit(backend, rates=rates).limits] == [7]


def test_headers_state_the_caller_s_quota_and_its_reset_in_seconds() -> None:
    rate_limit = _rate_limit(_ALICE, Operation.SWITCH)
    assert rate_limit.headers() == []
    general, switches = rate_limit.limits
    rate_limit.record(
        [_quota(general, remaining=41, retry_after_ms=1_001), _quota(switches, remaining=9)]
    )
    assert dict(rate_limit.headers()) == {
        b"ratelimit-limit": b"100",
        b"ratelimit-remaining": b"41",
        b"ratelimit-reset": b"2",
    }


@pytest.mark.parametrize("recorded", [(40, 39, 38), (38, 40, 39), (39, 38, 40)])
def test_headers_of_a_batch_state_the_fewest_remaining_requests(recorded: tuple[int, ...]) -> None:
    rate_limit = _rate_limit(_ALICE)
    for remaining in recorded:
        rate_limit.record([_quota(rate_limit.limits[0], remaining=remaining)])
    assert dict(rate_limit.headers())[b"ratelimit-remaining"] == b"38"


def test_a_refusal_names_the_exceeded_limit_and_when_to_retry() -> None:
    rate_limit = _rate_limit(_ALICE, Operation.SWITCH)
    general, switches = rate_limit.limits
    with pytest.raises(RateLimitExceeded, match="Too many requests") as refused:
        rate_limit.record([_quota(general), _quota(switches, remaining=3)])
    assert refused.value.headers == {"Retry-After": "60"}
    with pytest.raises(RateLimitExceeded, match="Too many cycle switches") as refused:
        rate_limit.record([_quota(general, remaining=3), _quota(switches)])
    assert refused.value.headers == {"Retry-After": "1"}
    assert dict(rate_limit.headers())[b"ratelimit-limit"] == b"10"


def test_a_known_exhausted_limit_is_refused_locally_until_it_resets(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    limiter, now_s = RateLimiter(_RATES), [1_000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now_s[0])

    def next_request() -> RequestRateLimit:
        return limiter.for_request(_ALICE, "192.0.2.1", Operation.READ, None)

    with pytest.raises(RateLimitExceeded):
        next_request().record([_quota(next_request().limits[0], retry_after_ms=20_000)])
    with pytest.raises(RateLimitExceeded):
        next_request().check()
    known = limiter.known(next_request().limits[0])
    assert known
    assert known.retry_after_ms == 20_000
    now_s[0] += 20.001
    next_request().check()


def test_the_number_of_remembered_quotas_is_bounded() -> None:
    limiter = RateLimiter(_RATES)
    for n in range(20_000):
        limiter.remember(_quota(RateLimit(f"address:{n}", 1, Millis(60_000))))
    assert limiter.known(RateLimit("address:0", 1, Millis(60_000))) is None
    assert limiter.known(RateLimit("address:9999", 1, Millis(60_000))) is None
    assert limiter.known(RateLimit("address:10000", 1, Millis(60_000)))


def test_an_uncounted_request_passes_unless_the_limiter_fails_closed() -> None:
    _rate_limit(_ALICE).record([])
    closed = _rate_limit(_ALICE, rates=RateLimits(general=100, fails_open=False))
    with pytest.raises(StoreUnavailable):
        closed.record([])
    RequestRateLimit().record([])
