"""Side-by-side timings: scripts that anyone can run, and that say on which machine they ran."""
