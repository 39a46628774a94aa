"""What validate.py proves."""
