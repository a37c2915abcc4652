"""The examples in the docstrings run, and show what they say."""

import doctest
import importlib
import pkgutil

import pytest

import w2v_jax
import w2v_jax.scores

MODULES = [
    *(f"w2v_jax.{each.name}" for each in pkgutil.iter_modules(w2v_jax.__path__) if not each.ispkg),
    *(f"w2v_jax.scores.{each.name}" for each in pkgutil.iter_modules(w2v_jax.scores.__path__)),
]
# Modules whose every reader is expected to try something first.
SHOWN = {
    *("stimuli", "source_filter", "similarity", "engine", "front_end"),
    *(
        "bootstrap",
        "decoding",
        "discrimination",
        "frequency_scale",
        "invariances",
        "learned_scale",
        "kernel_alignment",
        "maps",
    ),
    *("neighbourhoods", "orderings", "parameter_metrics", "populations"),
    *("representational_similarity", "temporal"),
}


@pytest.mark.pages
@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    tried = doctest.testmod(importlib.import_module(name), optionflags=doctest.NORMALIZE_WHITESPACE)
    assert tried.failed == 0
    assert tried.attempted or name.split(".")[-1] not in SHOWN
