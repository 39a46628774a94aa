"""SQL as text: where statements end, what they name, what may be shown. Knows errors alone."""
