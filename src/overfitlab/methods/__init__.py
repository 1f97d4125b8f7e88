"""One file per regularization method, the contract they keep (`base`), and how to find them (`registry`)."""
