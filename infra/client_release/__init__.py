"""Builds the two client packages as they are published, and checks them."""
