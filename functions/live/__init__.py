"""Live connections, which only the container can hold."""
