"""Load: many sessions, many sockets, for long; what is measured has limits that it must keep."""
