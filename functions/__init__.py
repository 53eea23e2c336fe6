"""One file per endpoint: its route. `server` serves them all from one process."""
