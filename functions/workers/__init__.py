"""What runs without being asked by a client."""
