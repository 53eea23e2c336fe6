"""What the dashboard shows, from what users feel down to what lies behind it."""

from infra.monitoring.panels import Panel, Row

_HERE = '{app=~"$app", instance=~"$instance"}'
_OVER = "[$__rate_interval]"

_HALF, _MOST, _NEARLY_ALL = 0.5, 0.95, 0.99


def _at(name: str, more: str = "") -> str:
    """The series of a metric that the dashboard is about."""
    return f"synckairos_{name}" + (_HERE[:-1] + f", {more}}}" if more else _HERE)


def _rate(name: str, more: str = "") -> str:
    return f"rate({_at(name, more)}{_OVER})"


def _quantile(quantile: float, name: str, by: str = "") -> str:
    """A quantile over all instances; `by` another label as well."""
    labels = f"le, {by}" if by else "le"
    return f"histogram_quantile({quantile}, sum by ({labels}) ({_rate(name + '_bucket')}))"


def _quantiles(name: str) -> dict[str, str]:
    return {
        "p50": _quantile(_HALF, name),
        "p95": _quantile(_MOST, name),
        "p99": _quantile(_NEARLY_ALL, name),
    }


def _of_store(name: str) -> str:
    """What every instance reads from the one store, and reports alike."""
    return f"max({_at(name)})"


_FAILED = 'status_code=~"5.."'
_ERRORS = (
    f"(sum({_rate('http_requests_total', _FAILED)}) or vector(0))"
    f" / sum({_rate('http_requests_total')})"
)

_GLANCE = Row(
    "At a glance",
    [
        Panel("Instances", {"instances": f"count({_at('build_info')})"}, stat=True),
        Panel("Requests", {"/s": f"sum({_rate('http_requests_total')})"}, "reqps", stat=True),
        Panel("Errors", {"of all": _ERRORS}, "percentunit", 0.001, stat=True),
        Panel(
            "Switch p95",
            {"p95": _quantile(_MOST, "switch_cycle_duration_ms")},
            "ms",
            50,
            stat=True,
        ),
        Panel("Live sessions", {"sessions": _of_store("active_sessions")}, stat=True),
        Panel("Sockets", {"sockets": f"sum({_at('websocket_connections')})"}, stat=True),
    ],
)
_USERS = Row(
    "What users feel",
    [
        Panel(
            "Requests by status",
            {"{{status_code}}": f"sum by (status_code) ({_rate('http_requests_total')})"},
            "reqps",
        ),
        Panel(
            "Errors",
            {"5xx of all": _ERRORS},
            "percentunit",
            0.001,
            meaning="The objective is 99.9 %.",
        ),
    ],
)
_DURATIONS = Row(
    "How long they wait",
    [
        Panel("All requests", _quantiles("http_request_duration_ms"), "ms"),
        Panel(
            "Requests by route, p95",
            {"{{route}}": _quantile(_MOST, "http_request_duration_ms", "route")},
            "ms",
        ),
        Panel(
            "Switches", _quantiles("switch_cycle_duration_ms"), "ms", 50, meaning="p95 below 50 ms."
        ),
        Panel(
            "Deliveries",
            _quantiles("delivery_latency_ms"),
            "ms",
            100,
            meaning="From a change to every socket of an instance; p95 below 100 ms.",
        ),
    ],
)
_CLOCKS = Row(
    "Clocks",
    [
        Panel("Lateness of expiries", _quantiles("expiry_lateness_ms"), "ms", 250),
        Panel(
            "Offset of the store's clock",
            {"{{instance}}": _at("clock_offset_ms")},
            "ms",
            floor=None,
        ),
        Panel("Bound of its error", {"{{instance}}": _at("clock_error_ms")}, "ms", 50),
    ],
)
_LIVE = Row(
    "Sessions and sockets",
    [
        Panel("Live sessions", {"sessions": _of_store("active_sessions")}),
        Panel("Sockets", {"{{instance}}": _at("websocket_connections")}, limit=2000),
        Panel(
            "Sessions put back",
            {"restored": f"sum(increase({_at('sessions_restored_total')}{_OVER}))"},
            meaning="The store had lost its memory.",
        ),
    ],
)
_AUDIT = Row(
    "Audit trail",
    [
        Panel("Lag", _quantiles("audit_lag_ms"), "ms", 60_000),
        Panel("Waiting entries", {"entries": _of_store("db_write_queue_size")}, limit=10_000),
        Panel("Oldest waiting", {"age": _of_store("audit_oldest_waiting_ms")}, "ms", 60_000),
        Panel("Dead letters", {"entries": _of_store("audit_dead_letters")}, limit=1),
    ],
)
_PUSHES = Row(
    "Pushes to Supabase Realtime",
    [
        Panel(
            "Messages",
            {
                fate: f"sum({_rate(f'push_{fate}_total')})"
                for fate in ("sent", "coalesced", "failed", "retried", "lost")
            },
            "cps",
        ),
        Panel("How long they take", _quantiles("push_duration_ms"), "ms"),
    ],
)
_STORE = Row(
    "Store",
    [
        Panel(
            "Errors",
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
                "{{instance}}": f"process_resident_memory_bytes{_HERE}",
                "limit": f"min({_at('memory_limit_bytes')})",
            },
            "bytes",
        ),
        Panel(
            "Processor",
            {"{{instance}}": f"rate(process_cpu_seconds_total{_HERE}{_OVER})"},
            "percentunit",
        ),
        Panel("Open files", {"{{instance}}": f"process_open_fds{_HERE}"}),
    ],
)

ROWS = (_GLANCE, _USERS, _DURATIONS, _CLOCKS, _LIVE, _AUDIT, _PUSHES, _STORE, _PROCESS)
