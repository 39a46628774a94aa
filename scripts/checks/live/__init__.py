"""The real databases, compared with the files. Reads only."""
