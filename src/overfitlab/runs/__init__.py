"""One run: carried out, or read back."""
