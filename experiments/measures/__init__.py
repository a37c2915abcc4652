"""Measures that several experiments share."""
