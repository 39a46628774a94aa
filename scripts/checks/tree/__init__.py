"""SQL as PostgreSQL's grammar sees it."""
