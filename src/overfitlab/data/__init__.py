"""Images in, batches out: one file per source, then splits, standardization, batches."""
