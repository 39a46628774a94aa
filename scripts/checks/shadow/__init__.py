"""Runs migrations up, down and up again on a throwaway database, and compares its whole catalog."""
