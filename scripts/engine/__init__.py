"""What touches a database: settings, connections, the ledger, running migrations."""
