"""Settings: read once from the environment, checked, and explained where they are wrong."""
