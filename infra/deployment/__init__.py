"""Releases on Fly.io: what must hold before one, what is done, and the way back."""
