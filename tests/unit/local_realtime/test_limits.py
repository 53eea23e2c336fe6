"""So much a second, and no more."""

from infra.local.realtime.limits import RateLimiter


class _Clock:
    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def test_so_many_fit_into_any_second() -> None:
    clock = _Clock()
    rate = RateLimiter(3, clock)
    assert rate.take(2)
    clock.now_s += 0.5
    assert rate.take(1)
    assert not rate.take(1)
    clock.now_s += 0.5
    assert rate.take(2)
    assert not rate.take(1)


def test_what_doesn_t_fit_whole_isn_t_counted() -> None:
    rate = RateLimiter(3, _Clock())
    assert not rate.take(4)
    assert rate.take(3)
    assert rate.is_used_up


def test_without_a_limit_everything_fits() -> None:
    rate = RateLimiter(None, _Clock())
    assert rate.take(1_000_000)
    assert not rate.is_used_up


def test_none_is_a_limit_too() -> None:
    rate = RateLimiter(0, _Clock())
    assert rate.is_used_up
    assert not rate.take()
