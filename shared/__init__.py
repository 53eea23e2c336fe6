"""Everything that the container and the functions share."""

VERSION = "2.0.0"
