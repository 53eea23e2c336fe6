"""How the client follows a session where no socket can be had."""

from playwright.sync_api import Page

from tests.e2e.library import run

POLLED = """
const socket = Object.assign(new EventTarget(), {
  tries: 0, status: "connecting", open() {}, send() {}, retry() { this.tries++; },
  close() { this.become("closed"); },
  become(status) { this.status = status; this.dispatchEvent(new Event("status")); },
});
const answers = [];
const asked = [];
const api = { look: (id, known) => (asked.push(known ?? null), answers.shift()()) };
const session = new lib.LiveSession("s", { api, clock: { now: () => 0 }, socket });
const state = (version) => async () => ({ version, created_at: "2026", status: "running" });
const unchanged = async () => null;
const fails = (...given) => async () => { throw new lib.ApiError(...given); };
const gone = fails(404, { code: "SESSION_NOT_FOUND" });
const seen = [];
session.addEventListener("state", ({ detail }) => seen.push(detail.state.version));
const look = (...given) => { answers.push(...given); return session.refresh(); };
const begin = async (answer) => {
  answers.push(answer);
  socket.become("unavailable");
  await look(unchanged);
};
"""


def poll(library: Page, script: str) -> object:
    """The result of `script`, in which a session has no socket and looks when it is told to."""
    return run(library, f"async lib => {{ {POLLED} {script} }}")


def test_only_news_are_asked_for_and_told_in_order(library: Page) -> None:
    told = """
    await begin(state(3));
    await look(unchanged); await look(state(2)); await look(state(5));
    return [seen, asked];"""
    assert poll(library, told) == [[3, 5], [None, 3, 3, 3, 3]]


def test_it_says_when_it_polls_and_when_even_that_fails(library: Page) -> None:
    told = """
    const said = [session.status];
    await begin(state(1)); said.push(session.status);
    await look(fails(503, {})); said.push(session.status);
    await look(unchanged); said.push(session.status);
    socket.become("live"); said.push(session.status);
    return said;"""
    expected = ["connecting", "polling", "connecting", "polling", "live"]
    assert poll(library, told) == expected


def test_a_service_that_comes_back_may_have_sockets_again(library: Page) -> None:
    told = """
    await begin(state(1)); const before = socket.tries;
    await look(fails(0, {})); await look(unchanged); await look(unchanged);
    return [before, socket.tries];"""
    assert poll(library, told) == [0, 1]


def test_what_was_there_and_is_no_more_was_deleted(library: Page) -> None:
    told = """
    await begin(state(1)); await look(gone);
    return [session.presence, session.status, session.state];"""
    assert poll(library, told) == ["deleted", "closed", None]


def test_what_was_never_there_is_awaited(library: Page) -> None:
    told = """
    socket.become("unavailable"); answers.push(gone);
    await look(gone); const lobby = session.presence;
    await look(state(1));
    return [lobby, session.presence];"""
    assert poll(library, told) == ["absent", "present"]


def test_a_look_that_was_under_way_is_followed_by_another(library: Page) -> None:
    told = """
    let answer;
    answers.push(() => new Promise((resolve) => (answer = resolve)));
    socket.become("unavailable");
    const looked = look(state(2));
    await Promise.resolve();
    answer(null);
    await looked;
    return seen;"""
    assert poll(library, told) == [2]


def test_nobody_looks_any_more_once_a_socket_is_there(library: Page) -> None:
    told = """
    await begin(state(1));
    socket.become("live");
    api.read = state(2);
    await session.refresh();
    return [asked.length, seen];"""
    assert poll(library, told) == [2, [1, 2]]


def test_looks_come_about_once_a_second_and_at_different_instants(library: Page) -> None:
    script = """lib => [0, 0.5, 1].map((dice) =>
      lib.untilNextLook(null, 0, { random: () => dice }))"""
    assert run(library, script) == [650, 975, 1300]


def test_nobody_hurries_when_nobody_watches_or_nothing_can_happen(library: Page) -> None:
    script = """lib => [
      lib.untilNextLook({ status: "running" }, 0, { isHidden: true, random: () => 1 }),
      lib.untilNextLook({ status: "expired" }, 0, { random: () => 1 }),
    ]"""
    assert run(library, script) == [20_000, 20_000]


def test_a_deadline_is_looked_at_as_it_passes(library: Page) -> None:
    script = """lib => [-5, 1, 300, 5000].map((left) => lib.untilNextLook(
      { status: "running", deadline_at: new Date(1e12 + left).toISOString() },
      1e12, { random: () => 1 }))"""
    assert run(library, script) == [1300, 101, 400, 1300]


REQUESTED = """
const requests = [];
const fetch = async (url, { headers }) => {
  requests.push([url, headers["If-None-Match"] ?? null]);
  return answer;
};
const api = new lib.Api({ fetch });
"""


def test_a_look_names_the_version_that_is_known(library: Page) -> None:
    script = f"""async lib => {{
      const answer = new Response(null, {{ status: 304 }}); {REQUESTED}
      return [await api.look("s", 7), await api.look("s"), requests];
    }}"""
    requests = [["/v1/sessions/s", '"7"'], ["/v1/sessions/s", None]]
    assert run(library, script) == [None, None, requests]


def test_a_look_is_not_repeated_and_tells_when_to_come_again(library: Page) -> None:
    script = f"""async lib => {{
      const answer = new Response("{{}}", {{ status: 503, headers: {{ "Retry-After": "2" }} }});
      {REQUESTED}
      const error = await api.look("s").catch((error) => error);
      return [error.status, error.retryAfterMs, requests.length];
    }}"""
    assert run(library, script) == [503, 2000, 1]


def test_what_no_service_of_ours_says_is_no_state(library: Page) -> None:
    script = f"""async lib => {{
      const answer = new Response("<p>Log in first</p>"); {REQUESTED}
      return await api.look("s").catch((error) => error.code);
    }}"""
    assert run(library, script) == "UNREACHABLE"


def test_a_socket_that_is_refused_twice_is_unavailable_and_tried_again(library: Page) -> None:
    script = """async lib => {
      const said = [];
      const opened = [];
      class Refused {
        constructor() { opened.push(this); setTimeout(() => this.onclose?.({})); }
        close() {}
      }
      const real = globalThis.WebSocket;
      globalThis.WebSocket = Refused;
      const socket = new lib.LiveSocket({ url: "ws://nowhere/", rarelyMs: 100 });
      const third = new Promise((resolve) => {
        socket.addEventListener("status", () => said.push([socket.status, opened.length]));
        const wait = () => (opened.length > 2 ? resolve() : setTimeout(wait, 5));
        wait();
      });
      socket.open();
      await third;
      socket.close();
      globalThis.WebSocket = real;
      return said;
    }"""
    assert run(library, script) == [["unavailable", 2], ["closed", 3]]


def test_a_socket_that_nobody_answers_is_unavailable_soon(library: Page) -> None:
    script = """async lib => {
      class Silent { static CONNECTING = 0; readyState = 0; }
      const real = globalThis.WebSocket;
      globalThis.WebSocket = Silent;
      const socket = new lib.LiveSocket({ url: "ws://nowhere/", patienceMs: 20 });
      const said = new Promise((resolve) =>
        socket.addEventListener("status", () => resolve(socket.status), { once: true }));
      socket.open();
      const status = await said;
      socket.close();
      globalThis.WebSocket = real;
      return status;
    }"""
    assert run(library, script) == "unavailable"
