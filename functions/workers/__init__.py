"""Background work: loops of the container, and functions that queues and schedules start."""
