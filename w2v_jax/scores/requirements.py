"""Packages that only the scores need, imported when a score needs them: they are in the extra `experiments`."""

import contextlib
import types

from w2v_jax._src import extras


class RequirementError(ImportError):
    """A package that a score needs is not installed."""


def scipy_linalg() -> types.ModuleType:
    """`scipy.linalg`."""
    return _import("scipy.linalg")


def scipy_stats() -> types.ModuleType:
    """`scipy.stats`."""
    return _import("scipy.stats")


def one_blas_thread() -> contextlib.AbstractContextManager:
    """Inside it, linear algebra runs in one thread.

    For hundreds of small systems of equations OpenBLAS's threads mostly wait for each other: on two cores that
    others use as well, they have been seen to take a hundred times as long as one.
    """
    return _import("threadpoolctl").threadpool_limits(limits=1, user_api="blas")


def _import(name: str) -> types.ModuleType:
    return extras.package(name, what=f"this score needs {name}", extra="experiments", error=RequirementError)
