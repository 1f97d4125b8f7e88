"""Run folders: the truth about every run, written so that a crash at any point leaves the last good state."""
