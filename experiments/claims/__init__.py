"""The paper's claims as numbers: `python -m experiments.claims`."""
