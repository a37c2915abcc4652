"""Every experiment of the paper in one run: `python -m experiments.reproduce`."""
