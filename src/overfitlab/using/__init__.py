"""The public functions for a trained run: evaluate, predict, explain. The command line calls what is here."""
