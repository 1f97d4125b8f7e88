"""Who carries out the runs of a study: an executor, whatever it runs them on; local processes are the first."""
