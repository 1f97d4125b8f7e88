"""What is done with a trained run: evaluate it, predict with it, ask where it looks."""
