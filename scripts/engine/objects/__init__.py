"""Finds a database's objects by the names in SQL. Knows the SQL of files, but no ledger."""
