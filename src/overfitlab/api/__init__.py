"""The public functions, a file each: they put the rooms of the house together, and the command line calls them."""
