"""Command-line tools: run, demo, benchmark, soak, session history, rights table."""
