"""The real databases, held against the files. Reads only."""
