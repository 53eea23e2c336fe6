"""The client's clock: which sample it believes, and how sure it is."""

import pytest
from playwright.sync_api import Page

from tests.e2e.library import run


def test_a_sample_knows_its_error(library: Page) -> None:
    sample = run(library, "lib => lib.sampleOf(1000, 1010, 500005)")
    assert sample == {
        "offsetMs": 499_000,
        "roundTripMs": 10,
        "errorMs": 5.5,
        "takenAt": 1010,
    }


def test_the_smallest_round_trip_wins(library: Page) -> None:
    script = """lib => lib.bestOf([
      lib.sampleOf(0, 40, 1000), lib.sampleOf(50, 54, 1052), lib.sampleOf(60, 90, 1100),
    ])"""
    best = run(library, script)
    assert best["roundTripMs"] == 4
    assert best["offsetMs"] == 1000


def test_no_samples_no_answer(library: Page) -> None:
    assert run(library, "lib => lib.bestOf([]) === undefined")


CLOCK = """
const delays = [30, 3, 40, 20];
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const ahead = 5_000_000;
const read = async () => {
  await pause(delays.shift() ?? 60);
  const serverMs = Math.round(performance.now() + ahead);
  await pause(1);
  return { serverMs, receivedAt: performance.now() };
};
const clock = new lib.ServerClock({ read, samples: 4 });
const offset = () => clock.now() - performance.now() - ahead;
"""


def test_the_clock_is_right_within_its_bound(library: Page) -> None:
    script = f"""async lib => {{ {CLOCK}
      const before = clock.errorMs;
      await clock.sync();
      return {{ before: before === Infinity, offset: offset(), bound: clock.errorMs,
        trip: clock.roundTripMs }};
    }}"""
    result = run(library, script)
    assert result["before"]
    assert abs(result["offset"]) <= result["bound"]
    assert result["trip"] < 30
    assert result["bound"] == pytest.approx(result["trip"] / 2 + 0.5, abs=0.1)


def test_a_worse_round_changes_nothing(library: Page) -> None:
    script = f"""async lib => {{ {CLOCK}
      await clock.sync();
      const trip = clock.roundTripMs;
      await clock.sync();
      return [trip, clock.roundTripMs];
    }}"""
    first, second = run(library, script)
    assert first == second


def test_after_sleep_the_old_offset_is_not_believed(library: Page) -> None:
    script = f"""async lib => {{ {CLOCK}
      await clock.sync();
      const trip = clock.roundTripMs;
      const wall = Date.now;
      Date.now = () => wall() + 3_600_000;
      clock.now();
      const inDoubt = clock.errorMs === Infinity;
      await clock.sync();
      Date.now = wall;
      return {{ inDoubt, isFresh: clock.roundTripMs > trip, bound: clock.errorMs }};
    }}"""
    result = run(library, script)
    assert result["inDoubt"]
    assert result["isFresh"]
    assert result["bound"] < 100


def test_coming_back_to_the_tab_measures_again(library: Page) -> None:
    script = f"""async lib => {{ {CLOCK}
      let reads = 0;
      clock.read = async () => (reads++, read());
      await clock.start();
      const first = reads;
      document.dispatchEvent(new Event("visibilitychange"));
      await clock.sync();
      return [first, reads];
    }}"""
    assert run(library, script) == [4, 8]


def test_a_server_that_is_away_costs_nothing_but_time(library: Page) -> None:
    script = """async lib => {
      let fails = true;
      const read = async () => {
        if (fails) throw new Error("away");
        return { serverMs: 7e12, receivedAt: performance.now() };
      };
      const clock = new lib.ServerClock({ read });
      await clock.sync();
      const wasSynced = clock.isSynced;
      fails = false;
      await new Promise((resolve) => clock.addEventListener("sync", resolve, { once: true }));
      return [wasSynced, clock.isSynced, clock.now() >= 7e12];
    }"""
    assert run(library, script) == [False, True, True]
