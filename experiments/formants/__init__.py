"""Vowel spaces: `python -m experiments.formants`."""
