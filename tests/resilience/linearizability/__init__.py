"""Whether all that many clients see of a session at once could have happened one by one."""
