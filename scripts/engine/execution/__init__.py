"""Runs one step, with the ledger written; knows nothing of plans and commands."""
