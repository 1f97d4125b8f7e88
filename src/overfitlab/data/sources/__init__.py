"""Where images come from, a file each: published sets, folders, arrays."""
