"""A database's catalog as values: snapshots, their differences, and DDL. Knows no migrations."""
