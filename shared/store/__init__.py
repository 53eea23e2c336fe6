"""State in Redis: what is kept there, and the ways to reach one, named by product."""
