"""The page of results: `python -m experiments.report`."""
