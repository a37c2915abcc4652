"""The records of the experiments that come with w2v_jax, imported."""

import importlib

from . import catalog
from .experiment import Experiment


def experiment(name: str) -> Experiment:
    """The record of an experiment."""
    source = catalog.source_of(name)
    module = f"{__package__}.{name}" + ("" if source.stem == name else f".{source.stem}")
    record: Experiment = getattr(importlib.import_module(module), catalog.RECORD)
    return record


def in_paper() -> list[Experiment]:
    """Those that `reproduce` runs."""
    return [experiment(name) for name in catalog.in_paper()]
