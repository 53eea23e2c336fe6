"""Build and test the container image without Docker and without an image registry."""
