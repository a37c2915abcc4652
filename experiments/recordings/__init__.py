"""One's own recordings next to synthesised vowels: `python -m experiments.recordings`."""
