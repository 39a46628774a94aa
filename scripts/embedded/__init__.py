"""A real PostgreSQL that starts when it is needed and stops after its last user."""
