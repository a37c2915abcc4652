"""What the convolutional front end of a wav2vec-like speech model hears."""

from w2v_jax import similarity, stimuli
from w2v_jax._version import __version__
from w2v_jax.checkpoint import load_encoder, save_encoder
from w2v_jax.convert import convert_checkpoint
from w2v_jax.encoder import EncoderConfig, FeatureEncoder
from w2v_jax.engine import sweep

__all__ = [
    "EncoderConfig",
    "FeatureEncoder",
    "__version__",
    "convert_checkpoint",
    "load_encoder",
    "save_encoder",
    "similarity",
    "stimuli",
    "sweep",
]
