"""`make demo`: five clients replay a recorded chess game against a running service."""
