"""Real servers from pip packages, for running and testing without any account."""
