"""What can be told from the files alone, without a database."""
