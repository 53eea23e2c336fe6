"""Load tests: many sessions or sockets, or a long time; figures are checked against limits."""
