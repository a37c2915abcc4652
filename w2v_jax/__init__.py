"""What the convolutional front end of a wav2vec-like speech model hears.

Modules, and the names of `__all__`, are imported when they are first used.
"""

import importlib
import importlib.util
from typing import TYPE_CHECKING, Any

from w2v_jax._version import __version__

if TYPE_CHECKING:
    from w2v_jax import (
        front_end,
        grids,
        layer_pooling,
        praat,
        projection,
        recordings,
        scales,
        scores,
        similarity,
        source_filter,
        spectrograms,
        speech,
        stimuli,
        tuning,
        vowels,
    )
    from w2v_jax.checkpoint import load_encoder, save_encoder
    from w2v_jax.convert import convert_checkpoint
    from w2v_jax.encoder import EncoderConfig, FeatureEncoder
    from w2v_jax.engine import sweep
    from w2v_jax.front_end import Frames, FrontEnd

__all__ = [
    "EncoderConfig",
    "FeatureEncoder",
    "Frames",
    "FrontEnd",
    "__version__",
    "convert_checkpoint",
    "front_end",
    "grids",
    "layer_pooling",
    "load_encoder",
    "praat",
    "projection",
    "recordings",
    "save_encoder",
    "scales",
    "scores",
    "similarity",
    "source_filter",
    "spectrograms",
    "speech",
    "stimuli",
    "sweep",
    "tuning",
    "vowels",
]

# The module that defines a name; every other public name is a module.
_PLACES = {
    "EncoderConfig": "encoder",
    "FeatureEncoder": "encoder",
    "Frames": "front_end",
    "FrontEnd": "front_end",
    "convert_checkpoint": "convert",
    "load_encoder": "checkpoint",
    "save_encoder": "checkpoint",
    "sweep": "engine",
}


def __getattr__(name: str) -> Any:
    if name in _PLACES:
        value = getattr(importlib.import_module(f"w2v_jax.{_PLACES[name]}"), name)
    elif not name.startswith("_") and importlib.util.find_spec(f"w2v_jax.{name}") is not None:
        value = importlib.import_module(f"w2v_jax.{name}")
    else:
        raise AttributeError(f"module 'w2v_jax' has no attribute {name!r}")
    globals()[name] = value  # found without this function from now on
    return value


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))
