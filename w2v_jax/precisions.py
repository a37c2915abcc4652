"""The precisions by name; `w2v_jax.convolution` says what each one is. Imports nothing, so that help is quick."""

from typing import Literal

Precision = Literal["float32", "exact", "tensorfloat32", "float16", "bfloat16"]
PRECISIONS: tuple[Precision, ...] = ("float32", "exact", "tensorfloat32", "float16", "bfloat16")


def check_precision(precision: str) -> Precision:
    """`precision`, if it is one of `PRECISIONS`; otherwise raises `ValueError`."""
    for each in PRECISIONS:
        if precision == each:
            return each
    raise ValueError(f"precision is {precision!r}; expected one of {', '.join(PRECISIONS)}")
