"""The command line: options in, one-line errors out, no logic of its own."""
