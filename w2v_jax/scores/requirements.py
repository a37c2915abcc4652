"""Packages that only the scores need, imported when a score needs them: they are in the extra `experiments`."""

import importlib
import types


class RequirementError(ImportError):
    """A package that a score needs is not installed."""


def scipy_linalg() -> types.ModuleType:
    """`scipy.linalg`."""
    return _import("scipy.linalg")


def scipy_stats() -> types.ModuleType:
    """`scipy.stats`."""
    return _import("scipy.stats")


def _import(name: str) -> types.ModuleType:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise RequirementError(
            f"this score needs {name} ({error}); install it with: pip install 'w2v_jax[experiments]'"
        ) from error
