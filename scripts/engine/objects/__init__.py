"""What a database has by the names that SQL gives its objects. Knows files' SQL, and no ledger."""
