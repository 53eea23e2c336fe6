"""What the service does while what it depends on, or the way there, fails."""
