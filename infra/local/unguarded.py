"""What a service is told that runs here for a test or a demonstration."""

UNGUARDED = {
    "APP_ENV": "local",
    "RATE_LIMIT_GENERAL": "100000000",
    "RATE_LIMIT_SWITCH": "1000000",
    "MAX_SOCKETS_PER_CALLER": "100000",
}
"""Nobody is asked for tokens; limits are counted but never met, for one machine is all callers."""
