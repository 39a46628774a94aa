"""What a run refuses before anything changes; each checks files and database, runs nothing."""
