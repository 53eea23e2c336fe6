"""Live pushes: one message form, carried by whatever transport a client has."""
