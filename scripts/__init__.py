"""The migration system: one thin file per command, and the folders that do the work."""

__version__ = "0.1.0"
