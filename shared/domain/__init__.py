"""Session and clock rules as pure functions of (session, command, now), without I/O."""
