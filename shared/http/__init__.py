"""The HTTP layer: turns requests into commands, and outcomes into responses."""
