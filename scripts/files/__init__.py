"""What is on disk: the project, its migration files, their format. No database, no Alembic."""
