"""What there is to say about a method: its card, its measured cost, and a demonstration of what it does."""
