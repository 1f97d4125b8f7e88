"""The live page: it reads folders, and starts and stops the command line; it trains nothing and keeps nothing."""
