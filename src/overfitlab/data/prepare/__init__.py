"""From files to batches: decoding, cache, split, standardization, near-duplicates."""
