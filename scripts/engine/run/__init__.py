"""A run: its steps, and everything that makes them safe."""
