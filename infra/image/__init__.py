"""The container image, built and run where there is no Docker and no registry of images."""
