"""The published sets: where they are, how they are fetched, and whether they are as they were published."""
