"""Tests in which parts of the system fail."""
