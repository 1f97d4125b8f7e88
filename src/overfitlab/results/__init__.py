"""What was measured, as typed values; and what follows from them by definition."""
