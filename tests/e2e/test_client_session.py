"""How the client follows a session, and how it asks for things."""

from playwright.sync_api import Page

from tests.e2e.library import run

FOLLOWED = """
const socket = Object.assign(new EventTarget(), {
  sent: [], status: "live", open() {}, close() { this.status = "closed"; },
  send(message) { this.sent.push(message.type); },
});
const session = new lib.LiveSession("s", { api: {}, clock: { now: () => 0 }, socket });
const say = (type, fields = {}) =>
  socket.dispatchEvent(new CustomEvent("message", { detail: { type, ...fields } }));
const state = (version, created_at = "2026-01-01T00:00:00.000Z") => ({ version, created_at });
const update = (...given) => say("STATE_UPDATE", { state: state(...given) });
const sync = (...given) => say("STATE_SYNC", { state: state(...given) });
const seen = [];
session.addEventListener("state", ({ detail }) => seen.push(detail.state.version));
"""


def follow(library: Page, script: str) -> object:
    """The result of `script`, told to a session on a socket that is ours."""
    return run(library, f"async lib => {{ {FOLLOWED} {script} }}")


def test_versions_that_are_not_newer_are_dropped(library: Page) -> None:
    told = "update(2); update(3); update(2); update(3); sync(3); update(4); return seen;"
    assert follow(library, told) == [2, 3, 4]


def test_a_gap_is_shown_at_once_and_asked_about(library: Page) -> None:
    told = "sync(2); update(3); update(6); return [seen, socket.sent];"
    assert follow(library, told) == [[2, 3, 6], ["RECONNECT"]]


def test_an_old_message_is_not_a_gap(library: Page) -> None:
    assert follow(library, "sync(5); update(2); return socket.sent;") == []


def test_what_lies_between_two_states_is_told(library: Page) -> None:
    told = """
    const next = [];
    session.addEventListener("state", ({ detail }) => next.push(detail.isNext));
    sync(2); update(3); update(5);
    return next;"""
    assert follow(library, told) == [False, True, False]


def test_an_id_that_is_used_again_begins_anew(library: Page) -> None:
    told = 'sync(9); sync(1, "2026-01-02T00:00:00.000Z"); sync(10); return seen;'
    assert follow(library, told) == [9, 1]


def test_a_pong_without_a_state_before_it_means_a_lobby(library: Page) -> None:
    told = """
    const before = session.presence;
    say("CONNECTED"); say("PONG");
    const lobby = session.presence;
    update(1);
    return [before, lobby, session.presence];"""
    assert follow(library, told) == ["unknown", "absent", "present"]


def test_a_pong_behind_the_state_means_nothing(library: Page) -> None:
    told = 'say("CONNECTED"); sync(1); say("PONG"); return session.presence;'
    assert follow(library, told) == "present"


def test_a_session_that_went_while_the_connection_was_down_is_gone(library: Page) -> None:
    told = """
    session.api.read = async () => {
      throw new lib.ApiError(404, { code: "SESSION_NOT_FOUND" });
    };
    sync(1);
    const gone = new Promise((resolve) => session.addEventListener("presence", resolve));
    say("CONNECTED"); say("PONG");
    await gone;
    return [session.presence, session.state];"""
    assert follow(library, told) == ["absent", None]


def test_a_deletion_ends_it(library: Page) -> None:
    told = 'sync(1); say("SESSION_DELETED"); return [session.presence, socket.status];'
    assert follow(library, told) == ["deleted", "closed"]


API = """
const keys = [];
const answers = (...outcomes) => async (url, { headers }) => {
  keys.push(headers["Idempotency-Key"]);
  const [status, body] = outcomes.shift();
  if (status === 0) throw new TypeError("network");
  return new Response(JSON.stringify(body), { status });
};
"""


def test_a_retry_keeps_its_idempotency_key(library: Page) -> None:
    script = f"""async lib => {{ {API}
      const fetch = answers([0], [503, {{}}], [200, {{ data: {{ version: 2 }} }}], [200, {{}}]);
      const api = new lib.Api({{ fetch }});
      const state = await api.start("s");
      await api.pause("s");
      return [state.version, keys];
    }}"""
    version, keys = run(library, script)
    assert version == 2
    assert len(set(keys[:3])) == 1
    assert keys[3] != keys[0]


def test_a_refusal_is_an_error_with_its_code_and_fields(library: Page) -> None:
    script = f"""async lib => {{ {API}
      const details = [{{ field: "x", message: "is required" }}];
      const refusal = {{ error: {{ code: "VALIDATION_ERROR", message: "No", details }} }};
      const api = new lib.Api({{ fetch: answers([400, refusal]) }});
      return await api.create({{}}).catch((error) => [
        error instanceof lib.ApiError, error.status, error.code, error.message, error.details,
      ]);
    }}"""
    details = [{"field": "x", "message": "is required"}]
    assert run(library, script) == [True, 400, "VALIDATION_ERROR", "No", details]


def test_ids_are_random_uuids(library: Page) -> None:
    script = """lib => {
      const made = Array.from({ length: 100 }, lib.newId);
      const form = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
      return made.every((id) => form.test(id)) && new Set(made).size === 100;
    }"""
    assert run(library, script)
