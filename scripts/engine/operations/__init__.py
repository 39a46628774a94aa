"""What the commands call: each decides, runs and returns results. It knows nothing of commands.

Each takes the settings of the databases that it is about: any URL will do. Nothing here imports
Alembic, but for what makes a new revision, at its use.
"""
