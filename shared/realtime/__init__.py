"""Live pushes: the messages, their fan-out, and the Redis and Supabase transports."""
