"""The parts of the benchmark; each measures one thing, and writes a block of docs/performance.md of its own."""
