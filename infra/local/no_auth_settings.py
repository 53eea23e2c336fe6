"""Settings of a local service for tests and demos."""

NO_AUTH_SETTINGS = {
    "APP_ENV": "local",
    "RATE_LIMIT_GENERAL": "100000000",
    "RATE_LIMIT_SWITCH": "1000000",
    "MAX_SOCKETS_PER_CALLER": "100000",
}
"""No authentication. Limits are counted but never reached: all callers share one address."""
