"""Steady sounds, and bursts in them: `python -m experiments.temporal`."""
