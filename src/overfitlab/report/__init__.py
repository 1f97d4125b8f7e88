"""What people see of a run: figures and progress."""
