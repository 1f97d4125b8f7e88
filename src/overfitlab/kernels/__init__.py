"""Fused CPU kernels: normalization, activation, pooling and dropout in one pass, and their plain-PyTorch reference."""
