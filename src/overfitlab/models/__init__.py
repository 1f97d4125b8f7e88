"""Networks as a list of layers that ask the method under study what to insert."""
