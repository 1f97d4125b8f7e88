"""Studies: methods over paired seeds; plan, worker processes, runner, and what comes out."""
