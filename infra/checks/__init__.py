"""Whether what the service stands on is sound: its Redis, its Postgres, and it itself."""
