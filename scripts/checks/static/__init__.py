"""What the files alone show, without a database."""
