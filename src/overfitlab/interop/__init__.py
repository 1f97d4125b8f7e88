"""Logs of others, read into typed values: whoever trained, a verdict is computed from the same outcomes."""
