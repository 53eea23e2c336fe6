"""Waking a session when nobody asks for it, where no process could sleep until then."""
