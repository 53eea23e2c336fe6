"""Which tests run when: the marks that tests get by their path."""

from itertools import product

from _pytest.mark.expression import Expression, ExpressionMatcher

from tests.support.target import IS_FUNCTIONS

_ALONE = (
    "tests/integration/test_flood.py",
    "tests/resilience/overload/",
)
"""Tests that load the whole machine; they run without other tests beside them."""

_TIMED = (
    "tests/integration/test_change_order.py",
    "tests/integration/test_classroom.py",
    "tests/resilience/faults/",
    "tests/resilience/rolling/",
)
"""Tests with many clients or faults, whose requests must succeed within the service's own time
limits; they run beside each other, but not beside heavier tests."""

_CONFORMANCE = "tests/clients/test_conformance.py::test_a_client_ends_with_the_state_of_the_server"

_LIVE = "tests/clients/test_live.py"

_TOOLS = (
    "tests/clients/test_bundlers.py",
    "tests/clients/test_runtimes.py",
    "tests/integration/test_webhook_package.py",
    "tests/e2e/test_bindings.py",
    "tests/e2e/test_next.py",
    f"{_CONFORMANCE}[functions-lossy",
    "tests/infra/checks/",
    "tests/infra/deployment/",
    "tests/infra/environment/",
    "tests/infra/launch/",
    "tests/infra/monitoring/",
    "tests/infra/packaging/",
    "tests/infra/test_client_release.py",
    "tests/infra/test_console_build.py",
    "tests/infra/test_env_file.py",
    "tests/integration/realtime/test_run_functions.py",
    "tests/integration/test_api_keys_command.py",
    "tests/integration/test_bench.py",
    "tests/integration/test_demo.py",
    "tests/integration/test_history_command.py",
    "tests/integration/test_kept_data.py",
    "tests/integration/test_local_functions.py",
    "tests/integration/test_mcp.py",
    "tests/integration/test_run.py",
    "tests/load/",
)
"""Tests of the project's commands (`make run`, `package`, `deploy`, `bench`, `load`, ...), of the
emulators and the monitoring, and of clients with a lossy connection to functions; they run by
`make test-tools`."""

_BROWSERS = (
    "tests/e2e/test_alerts.py",
    "tests/e2e/test_allowed.py",
    "tests/e2e/test_auction.py",
    "tests/e2e/test_axe.py",
    "tests/e2e/test_board.py",
    "tests/e2e/test_built_console.py",
    "tests/e2e/test_busy.py",
    "tests/e2e/test_colours.py",
    "tests/e2e/test_connection.py",
    "tests/e2e/test_corrections.py",
    "tests/e2e/test_developer.py",
    "tests/e2e/test_drawing.py",
    "tests/e2e/test_embed.py",
    "tests/e2e/test_exam.py",
    "tests/e2e/test_export.py",
    "tests/e2e/test_fairness.py",
    "tests/e2e/test_form.py",
    "tests/e2e/test_functions_console.py",
    "tests/e2e/test_in_step.py::test_two_tabs_show_the_same_time_throughout_a_game[functions]",
    "tests/e2e/test_join.py",
    "tests/e2e/test_keyboard_game.py",
    "tests/e2e/test_layout.py",
    "tests/e2e/test_main_button.py",
    "tests/e2e/test_meeting.py",
    "tests/e2e/test_modes.py",
    "tests/e2e/test_operator.py",
    "tests/e2e/test_organiser.py",
    "tests/e2e/test_overtime.py",
    "tests/e2e/test_policy.py",
    "tests/e2e/test_purposes.py",
    "tests/e2e/test_quickstart.py",
    "tests/e2e/test_quiz.py",
    "tests/e2e/test_quizmaster.py",
    "tests/e2e/test_race.py",
    "tests/e2e/test_recent.py",
    "tests/e2e/test_screen_reader.py",
    "tests/e2e/test_seats.py",
    "tests/e2e/test_teacher.py",
    "tests/e2e/test_time_controls.py",
    "tests/e2e/test_tokens.py",
    "tests/e2e/test_trail.py",
    "tests/e2e/test_trail_pace.py",
    "tests/e2e/test_undo.py",
    "tests/e2e/test_usage.py",
    "tests/e2e/test_words.py",
)
"""Tests of the console in detail and of its pages; they run by `make test-browsers`."""

_EXTENDED = (
    *_ALONE,
    *_TIMED,
    *_TOOLS,
    *_BROWSERS,
    "tests/clients/test_clock_simulation.py",
    "tests/clients/test_conformance.py",
    "tests/clients/test_js.py",
    "tests/clients/test_js_live.py",
    f"{_LIVE}::test_clients_are_refused_when_their_token_expires",
    f"{_LIVE}::test_clients_go_on_with_a_new_token",
    f"{_LIVE}::test_clients_reconnect_after_a_restart_of_the_service",
    f"{_LIVE}::test_the_session_survives_an_outage_of_redis",
    f"{_LIVE}::test_a_client_says_how_exact_its_clock_is_and_learns_who_is_connected[sse]",
    "tests/clients/test_readme.py",
    "tests/clients/test_recipes.py",
    "tests/clients/test_sockets.py::test_a_websocket_that_does_not_answer_pings_is_replaced",
    "tests/clients/test_supabase.py",
    "tests/clients/test_supabase_presence.py",
    "tests/e2e/test_chess.py",
    "tests/e2e/test_clock_element.py",
    "tests/e2e/test_in_step.py",
    "tests/e2e/test_vendored.py",
    "tests/functions/test_snapstart.py",
    "tests/functions/test_ssm_parameters.py::test_a_function_exits_if_the_parameter_store_is_unreachable",
    "tests/fuzz/",
    "tests/infra/",
    "tests/integration/cluster/",
    "tests/integration/pushes/test_container.py::test_changes_do_not_wait_for_pushes_and_a_burst",
    "tests/integration/realtime/",
    "tests/integration/store/test_full_service.py::test_the_deadline_loop_backs_off",
    "tests/integration/store/test_join_codes.py::test_a_redis_that_can_not_count_does_not_tell_right_codes[native-1]",
    "tests/integration/test_alarms.py",
    "tests/integration/test_audit_bad_entries.py",
    "tests/integration/test_audit_contract.py::test_an_unreachable_database_raises_audit_unavailable[postgres]",
    "tests/integration/test_audit_postgres.py::test_a_query_that_takes_too_long_is_cancelled",
    "tests/integration/test_audit_postgres.py::test_of_several_hosts_the_writable_one_is_used",
    "tests/integration/test_audit_worker.py::test_a_worker_that_dies_after_writing_duplicates_nothing",
    "tests/integration/test_bad_input.py",
    "tests/integration/test_curl_snippets.py",
    "tests/integration/test_dead_sentinels.py",
    "tests/integration/test_draining.py",
    "tests/integration/test_endless_input.py::test_endless_",
    "tests/integration/test_event_loop_blocking.py",
    "tests/integration/test_examples.py",
    "tests/integration/test_lag.py::test_a_refused_switch_of_the_opponent_does_not_end_the_wait",
    "tests/integration/test_lag.py::test_a_switch_that_was_sent_too_late_finds_the_flag_fallen",
    "tests/integration/test_lag.py::test_the_wait_ends_with_another_command",
    "tests/integration/test_local_cluster.py",
    "tests/integration/test_local_sentinels.py",
    "tests/integration/test_local_tls_redis.py",
    "tests/integration/test_local_upstash.py",
    "tests/integration/test_migrations.py",
    "tests/integration/test_outages.py",
    "tests/integration/test_ready.py::test_a_read_only_trail_is_reported_with_the_reason",
    "tests/integration/test_recovery.py::test_missed_deadlines_are_applied_once_the_audit_database_is_back",
    "tests/integration/test_recovery.py::test_a_flush_under_load_loses_only_changes_that_were_not_audited",
    "tests/integration/test_secrets.py",
    "tests/integration/test_service_on_cluster.py",
    "tests/integration/test_skew.py::test_a_skewed_instance_gives_the_same_answers[-3600]",
    "tests/integration/test_slow_clients.py",
    "tests/integration/test_soak.py",
    "tests/integration/test_upstash_outages.py",
    "tests/resilience/",
)
"""Tests that only `make test-all` runs: browsers at length, releases, faults."""

_DUPLICATES = {
    "tests/integration/store/": ("upstash-1-", "upstash-1]"),
    "tests/integration/test_audit_contract.py": ("postgrest-", "postgrest]"),
}
"""Path to the beginnings of the parameters that only `make test-all` runs there. `make test` has
the store over a native connection on one shard and on five and over Upstash's REST protocol on
five, and the audit trail in Postgres and through Supabase's client. Its functions use PostgREST's
client."""

_EXTENDED_ON_FUNCTIONS = (
    "tests/integration/test_adjusting_clocks.py",
    "tests/integration/test_advancing.py",
    "tests/integration/test_api_keys.py",
    "tests/integration/test_bad_input.py",
    "tests/integration/test_dry_runs.py",
    "tests/integration/test_giving.py",
    "tests/integration/test_headers.py",
    "tests/integration/test_history.py::test_without_an_audit_database_only_history_is_503",
    "tests/integration/test_individual_clocks.py",
    "tests/integration/test_instants.py",
    "tests/integration/test_issuer.py",
    "tests/integration/test_join_codes.py",
    "tests/integration/test_lag.py",
    "tests/integration/test_numbers.py",
    "tests/integration/test_packed.py",
    "tests/integration/test_pages.py",
    "tests/integration/test_participants.py",
    "tests/integration/test_pending.py",
    "tests/integration/test_programmes.py",
    "tests/integration/test_realtime_endpoint.py",
    "tests/integration/test_scheduling.py",
    "tests/integration/test_selected_batches.py",
    "tests/integration/test_session_lists.py",
    "tests/integration/test_simulation.py",
    "tests/integration/test_time_controls.py",
    "tests/integration/test_undo.py",
    "tests/integration/test_updating.py",
    "tests/integration/test_webhooks.py",
)
"""Rules of the domain and of services with other settings. Container and functions run the same
pipeline, so these run on the container, and on functions by `make test-functions`. What can differ
runs on both: each route with its rights, HTTP, limits, tokens, retries, history and the modes."""

_MARKS = {
    "alone": _ALONE,
    "timed": _TIMED,
    "tools": _TOOLS,
    "browsers": _BROWSERS,
    "extended": (*_EXTENDED, *_EXTENDED_ON_FUNCTIONS) if IS_FUNCTIONS else _EXTENDED,
}
"""Mark to the beginnings of the ids of its tests."""


def marks_of(nodeid: str) -> set[str]:
    """Return the marks that a test, or all tests of a file, get by their path."""
    marks = {mark for mark, beginnings in _MARKS.items() if nodeid.startswith(beginnings)}
    parameters = nodeid.partition("[")[2]
    for path, beginnings in _DUPLICATES.items():
        if nodeid.startswith(path) and parameters.startswith(beginnings):
            marks.add("extended")
    return marks


def may_run(path: str, marks: Expression) -> bool:
    """Return whether the expression can select a test of this file."""
    of_all = marks_of(path)
    of_some = {
        mark
        for mark, beginnings in _MARKS.items()
        if any(beginning.startswith(f"{path}::") for beginning in beginnings)
    }
    if path.startswith(tuple(_DUPLICATES)):
        of_some.add("extended")
    guesses = product((of_all, of_all | of_some), (True, False))
    return any(marks.evaluate(_matcher(*guess)) for guess in guesses)


def _matcher(known: set[str], other: bool) -> ExpressionMatcher:
    """Return whether a test has a mark: one of these, or, if `other`, any that is not by path."""

    def has(mark: str, /, **_: str | int | bool | None) -> bool:
        return mark in known if mark in _MARKS else other

    return has
