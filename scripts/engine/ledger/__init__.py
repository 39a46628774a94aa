"""What a database knows of its migrations: the ledger, the event log, and both read."""
