"""What is kept of an experiment: sweeps, maps, metrics and figures in a folder, read back in one way."""
