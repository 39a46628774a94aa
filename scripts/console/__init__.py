"""What people see: options, text, JSON, exit codes."""
