"""What a user sees while something takes long."""

import sys

import tqdm

from w2v_jax._src.quoting import printable


def progress_bar(label: str, total: int, *, initial: int = 0, unit: str = " sounds") -> tqdm.tqdm:
    """A bar with rate and time left."""
    # Where no one watches (a log file) a line every ten seconds is enough.
    interval = 0.2 if sys.stderr.isatty() else 10.0
    return tqdm.tqdm(total=total, initial=initial, desc=printable(label), unit=unit, mininterval=interval)
