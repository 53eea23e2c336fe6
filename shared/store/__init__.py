"""Adapters of the `SessionStore` port, named by product."""
