"""A session with the server: how it is begun, watched, locked and interrupted."""
