"""Pure tones and DC offsets: `python -m experiments.f0`."""
