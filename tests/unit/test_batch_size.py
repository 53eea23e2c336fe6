"""The batch size of the audit worker, adapted to failures and durations."""

from functions.workers.batch_size import AdaptiveBatchSize

_MEBIBYTE = 1 << 20


def test_the_initial_bounds_are_two_hundred_entries_and_a_mebibyte() -> None:
    size = AdaptiveBatchSize()
    assert (size.entries, size.most_bytes) == (200, _MEBIBYTE)


def test_each_failure_quarters_the_batch_down_to_one_entry() -> None:
    size, seen = AdaptiveBatchSize(), list[int]()
    for _ in range(6):
        size.failed(size.entries, 1_000)
        seen.append(size.entries)
    assert seen == [50, 12, 3, 1, 1, 1]


def test_after_a_failure_the_batch_is_smaller_than_the_failed_one() -> None:
    size = AdaptiveBatchSize()
    size.failed(4, 1_000)
    assert size.entries == 1


def test_a_failure_of_few_large_entries_bounds_the_bytes() -> None:
    size = AdaptiveBatchSize()
    size.failed(4, _MEBIBYTE)
    assert size.most_bytes == _MEBIBYTE // 4


def test_quick_batches_double_the_size_up_to_the_initial_one() -> None:
    size, seen = AdaptiveBatchSize(), list[int]()
    for _ in range(4):
        size.failed(size.entries, 1_000)
    for _ in range(10):
        size.took(0.01, size.entries, 1_000)
        seen.append(size.entries)
    assert seen == [2, 4, 8, 16, 32, 64, 128, 200, 200, 200]


def test_a_batch_that_was_not_full_does_not_increase_the_size() -> None:
    size = AdaptiveBatchSize()
    size.failed(200, 1_000)
    size.took(0.01, 3, 1_000)
    assert size.entries == 50


def test_a_slow_batch_halves_the_size() -> None:
    size = AdaptiveBatchSize()
    size.took(2.5, 200, 1_000)
    assert size.entries == 100
    size.took(1.0, 100, 1_000)
    assert size.entries == 100
