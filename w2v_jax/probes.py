"""The former name of `w2v_jax.layer_pooling`, whose public functions stay here for programs that import them."""

from w2v_jax.layer_pooling import (
    LayerFeatures,
    burst_nearness,
    layer_channels,
    layer_means,
    split_means,
    split_nearness,
)

__all__ = ["LayerFeatures", "burst_nearness", "layer_channels", "layer_means", "split_means", "split_nearness"]
