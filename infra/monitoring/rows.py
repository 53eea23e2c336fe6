"""The rows of the dashboard, from requests and latencies down to stores and processes."""

from infra.monitoring.panels import Panel, Row

_SELECTOR = '{app=~"$app", instance=~"$instance"}'
_INTERVAL = "[$__rate_interval]"

_P50, _P95, _P99 = 0.5, 0.95, 0.99


def _series(name: str, label: str = "") -> str:
    """Select a metric of the chosen apps and instances, by another label as well if given."""
    return f"synckairos_{name}" + (_SELECTOR[:-1] + f", {label}}}" if label else _SELECTOR)


def _rate(name: str, label: str = "") -> str:
    return f"rate({_series(name, label)}{_INTERVAL})"


def _quantile(quantile: float, name: str, by: str = "") -> str:
    """Return a quantile over all instances, grouped by the label `by` if given."""
    labels = f"le, {by}" if by else "le"
    return f"histogram_quantile({quantile}, sum by ({labels}) ({_rate(name + '_bucket')}))"


def _quantiles(name: str) -> dict[str, str]:
    return {
        "p50": _quantile(_P50, name),
        "p95": _quantile(_P95, name),
        "p99": _quantile(_P99, name),
    }


def _from_store(name: str) -> str:
    """Take one value, because all instances read the same one from the store."""
    return f"max({_series(name)})"


_FAILED = 'status_code=~"5.."'
_ERRORS = (
    f"(sum({_rate('http_requests_total', _FAILED)}) or vector(0))"
    f" / sum({_rate('http_requests_total')})"
)

_OVERVIEW = Row(
    "Overview",
    [
        Panel("Instances", {"instances": f"count({_series('build_info')})"}, stat=True),
        Panel("Requests", {"/s": f"sum({_rate('http_requests_total')})"}, "reqps", stat=True),
        Panel("Errors", {"5xx": _ERRORS}, "percentunit", 0.001, stat=True),
        Panel(
            "Switch p95",
            {"p95": _quantile(_P95, "switch_cycle_duration_ms")},
            "ms",
            50,
            stat=True,
        ),
        Panel("Live sessions", {"sessions": _from_store("active_sessions")}, stat=True),
        Panel("Sockets", {"sockets": f"sum({_series('websocket_connections')})"}, stat=True),
    ],
)
_REQUESTS = Row(
    "Requests and errors",
    [
        Panel(
            "Requests by status",
            {"{{status_code}}": f"sum by (status_code) ({_rate('http_requests_total')})"},
            "reqps",
        ),
        Panel(
            "Errors",
            {"5xx": _ERRORS},
            "percentunit",
            0.001,
            meaning="Share of requests answered with 5xx. Objective: 99.9 % success.",
        ),
    ],
)
_LATENCIES = Row(
    "Latencies",
    [
        Panel("All requests", _quantiles("http_request_duration_ms"), "ms"),
        Panel(
            "Requests by route, p95",
            {"{{route}}": _quantile(_P95, "http_request_duration_ms", "route")},
            "ms",
        ),
        Panel(
            "Switches",
            _quantiles("switch_cycle_duration_ms"),
            "ms",
            50,
            meaning="Objective: p95 below 50 ms.",
        ),
        Panel(
            "Deliveries",
            _quantiles("delivery_latency_ms"),
            "ms",
            100,
            meaning="From a change until its push is written to every socket of an instance."
            " Objective: p95 below 100 ms.",
        ),
    ],
)
_CLOCKS = Row(
    "Clocks",
    [
        Panel(
            "Expiry lateness",
            _quantiles("expiry_lateness_ms"),
            "ms",
            250,
            meaning="From the due time of a timeout or warning until it has been processed.",
        ),
        Panel(
            "Clock offset",
            {"{{instance}}": _series("clock_offset_ms")},
            "ms",
            floor=None,
            meaning="The store's clock minus the instance's clock, as estimated.",
        ),
        Panel(
            "Error bound of the clock offset",
            {"{{instance}}": _series("clock_error_ms")},
            "ms",
            50,
        ),
    ],
)
_LIVE = Row(
    "Sessions and sockets",
    [
        Panel("Live sessions", {"sessions": _from_store("active_sessions")}),
        Panel("Sockets", {"{{instance}}": _series("websocket_connections")}, limit=2000),
        Panel(
            "Restored sessions",
            {"restored": f"sum(increase({_series('sessions_restored_total')}{_INTERVAL}))"},
            meaning="Sessions restored after the store had lost data.",
        ),
    ],
)
_AUDIT = Row(
    "Audit trail",
    [
        Panel("Lag", _quantiles("audit_lag_ms"), "ms", 60_000),
        Panel("Waiting entries", {"entries": _from_store("db_write_queue_size")}, limit=10_000),
        Panel(
            "Age of the oldest waiting entry",
            {"age": _from_store("audit_oldest_waiting_ms")},
            "ms",
            60_000,
        ),
        Panel("Dead letters", {"entries": _from_store("audit_dead_letters")}, limit=1),
    ],
)
_PUSHES = Row(
    "Pushes to Supabase Realtime",
    [
        Panel(
            "Messages",
            {
                outcome: f"sum({_rate(f'push_{outcome}_total')})"
                for outcome in ("sent", "coalesced", "failed", "retried", "lost")
            },
            "cps",
        ),
        Panel("Request duration", _quantiles("push_duration_ms"), "ms"),
    ],
)
_WEBHOOKS = Row(
    "Webhooks",
    [
        Panel(
            "Attempts",
            {"{{outcome}}": f"sum by (outcome) ({_rate('webhook_attempts_total')})"},
            "cps",
            meaning="Failed attempts are repeated; dead and dropped messages are not.",
        ),
    ],
)
_STORE = Row(
    "Store and overload",
    [
        Panel(
            "Store errors",
            {"{{kind}}": f"sum by (kind) ({_rate('store_errors_total')})"},
            "cps",
        ),
        Panel("Event loop lag", _quantiles("event_loop_lag_ms"), "ms", 100),
        Panel(
            "Requests refused for overload",
            {"{{instance}}": f"sum by (instance) ({_rate('requests_shed_total')})"},
            "cps",
        ),
    ],
)
_PROCESS = Row(
    "Processes",
    [
        Panel(
            "Memory",
            {
                "{{instance}}": f"process_resident_memory_bytes{_SELECTOR}",
                "limit": f"min({_series('memory_limit_bytes')})",
            },
            "bytes",
        ),
        Panel(
            "CPU",
            {"{{instance}}": f"rate(process_cpu_seconds_total{_SELECTOR}{_INTERVAL})"},
            "percentunit",
        ),
        Panel("Open file descriptors", {"{{instance}}": f"process_open_fds{_SELECTOR}"}),
    ],
)

ROWS = (
    _OVERVIEW,
    _REQUESTS,
    _LATENCIES,
    _CLOCKS,
    _LIVE,
    _AUDIT,
    _PUSHES,
    _WEBHOOKS,
    _STORE,
    _PROCESS,
)
