"""Gliding vowels: `python -m experiments.diphthongs`."""
