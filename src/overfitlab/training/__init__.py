"""One run: the loop, the step, the optimizer, the checkpoint; resumable to the bit."""
