"""Sessions and their clocks: pure functions of (session, command, now). No I/O, no clock."""
