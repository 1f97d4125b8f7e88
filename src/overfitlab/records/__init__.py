"""Folders of runs and studies: the truth, written so that a crash at any point leaves the last good state."""
