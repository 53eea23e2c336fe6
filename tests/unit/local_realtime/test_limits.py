"""Rate limits of the local Realtime server."""

from infra.local.realtime.limits import RateLimiter


class _Clock:
    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def test_no_more_than_the_limit_fits_into_any_second() -> None:
    clock = _Clock()
    rate = RateLimiter(3, clock)
    assert rate.take(2)
    clock.now_s += 0.5
    assert rate.take(1)
    assert not rate.take(1)
    clock.now_s += 0.5
    assert rate.take(2)
    assert not rate.take(1)


def test_a_batch_that_does_not_fit_is_not_counted() -> None:
    rate = RateLimiter(3, _Clock())
    assert not rate.take(4)
    assert rate.take(3)
    assert rate.is_exhausted


def test_without_a_limit_everything_fits() -> None:
    rate = RateLimiter(None, _Clock())
    assert rate.take(1_000_000)
    assert not rate.is_exhausted


def test_a_limit_of_zero_allows_nothing() -> None:
    rate = RateLimiter(0, _Clock())
    assert rate.is_exhausted
    assert not rate.take()
