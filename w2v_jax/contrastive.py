"""Contrastive predictive coding: which of many frames comes next? (van den Oord et al. 2018, arXiv:1807.03748)

A recurrent network hears the encoder's frames up to now and predicts the next ones; the true frame must be more
similar to the prediction than the frames of other times and other utterances. Similarity is the cosine, as in
wav2vec 2.0.
"""

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import nnx
from jax import lax

from w2v_jax._src.explicit_sharding import along_the_batch
from w2v_jax.encoder import FeatureEncoder

# Below the length of any frame that a LayerNorm makes.
_SHORTEST = 1e-6


@dataclasses.dataclass(frozen=True)
class ContrastiveConfig:
    """What is predicted, from what, among what.

    Attributes:
        hidden: units of the recurrent network.
        steps: predictions are made 1, 2, ... `steps` frames ahead.
        temperature: by which cosines are divided before the softmax.
        group: utterances whose frames are the candidates for one another's; see `contrastive_loss`. With two, half of
            them are frames of the same utterance, which only what is being said tells apart; with many, nearly all are
            other voices, and the voice is learned first.
    """

    hidden: int = 256
    steps: int = 12
    temperature: float = 0.1
    group: int = 2


class Outcome(NamedTuple):
    """How well frames were predicted; scalars.

    Attributes:
        loss: mean over predictions of the cross-entropy, in nats.
        accuracy: share of predictions whose most similar candidate is the true frame.
    """

    loss: jax.Array
    accuracy: jax.Array


class ContrastivePredictor(nnx.Module):
    """An encoder, and above it the network that is thrown away after training.

    Args:
        encoder: what is to be trained.
        config: what is predicted, from what, among what.
        rngs: source of the random initial parameters (stream `params`).
    """

    def __init__(self, encoder: FeatureEncoder, config: ContrastiveConfig, *, rngs: nnx.Rngs):
        channels = encoder.config.channels[-1]
        self.config = config
        self.encoder = encoder
        self.context = nnx.GRUCell(channels, config.hidden, rngs=rngs)
        self.heads = nnx.Linear(config.hidden, config.steps * channels, rngs=rngs)

    def __call__(self, waveforms: jax.Array) -> Outcome:
        """How well the frames of `waveforms`, (utterances, samples), are predicted; see `contrastive_loss`."""
        return along_the_batch(ContrastivePredictor._outcome, self, waveforms, keeps_batch=False)

    def _outcome(self, waveforms: jax.Array) -> Outcome:
        frames = self.encoder(waveforms)
        return contrastive_loss(
            frames, self.predictions(frames), group=self.config.group, temperature=self.config.temperature
        )

    def predictions(self, frames: jax.Array) -> jax.Array:
        """What comes after each of `frames`, (utterances, frames, channels): at [u, t, k] the frame at t + k + 1.

        Returns:
            (utterances, frames, steps, channels).
        """
        at_rest = jnp.zeros((len(frames), self.config.hidden), frames.dtype)
        # For the gradient only the state at each frame is kept; the rest is computed again, in fewer steps.
        step = jax.checkpoint(self.context, prevent_cse=False)
        _, contexts = lax.scan(step, at_rest, jnp.swapaxes(frames, 0, 1))
        ahead = self.heads(jnp.swapaxes(contexts, 0, 1))
        return ahead.reshape(*frames.shape[:2], self.config.steps, frames.shape[2])


def contrastive_loss(frames: jax.Array, predictions: jax.Array, *, group: int, temperature: float = 0.1) -> Outcome:
    """InfoNCE (van den Oord et al. 2018, equation 4) with all frames of a group of utterances as candidates.

    Groups are consecutive utterances that know nothing of one another, so the loss and chance do not depend on the
    batch size, and devices that hold whole groups need not exchange frames.

    Args:
        frames: (utterances, frames, channels).
        predictions: (utterances, frames, steps, channels): at [u, t, k] the frame at t + k + 1. Those past the end do
            not count.
        group: utterances in a group; it divides their number.
        temperature: by which cosines are divided.

    Returns:
        Loss and accuracy; chance is `group * frames` candidates: an accuracy of `1 / candidates`.

    Raises:
        ValueError: utterances that are not whole groups; fewer frames than one step ahead needs.
    """
    utterances, num_frames, channels = frames.shape
    steps = predictions.shape[2]
    if utterances % group:
        raise ValueError(f"{utterances} utterances; expected a multiple of the {group} in a group")
    if num_frames <= steps:
        raise ValueError(f"utterances have {num_frames} frames; expected more than {steps}, to predict that far ahead")
    groups = utterances // group
    candidates = _unit(frames).reshape(groups, group * num_frames, channels)
    predicted = _unit(predictions).reshape(groups, group, num_frames, steps, channels)
    place = jnp.arange(group * num_frames).reshape(group, num_frames)

    def of_step(k: int) -> tuple[jax.Array, jax.Array]:
        """Summed cross-entropy and hits of the predictions k + 1 frames ahead."""
        ahead = predicted[:, :, : num_frames - k - 1, k].reshape(groups, -1, channels)
        true = jnp.broadcast_to(place[:, k + 1 :].ravel(), ahead.shape[:2])
        logits = jnp.einsum("gpc,gnc->gpn", ahead, candidates) / temperature
        of_true = jnp.take_along_axis(logits, true[..., None], axis=-1)[..., 0]
        hits = jnp.argmax(lax.stop_gradient(logits), axis=-1) == true
        return jnp.sum(jax.nn.logsumexp(logits, axis=-1) - of_true), jnp.sum(hits, dtype=jnp.float32)

    losses, hits = zip(*(of_step(k) for k in range(steps)), strict=True)
    count = utterances * sum(num_frames - k - 1 for k in range(steps))
    return Outcome(sum(losses) / count, sum(hits) / count)


def _unit(vectors: jax.Array) -> jax.Array:
    return vectors * lax.rsqrt(jnp.maximum(jnp.sum(jnp.square(vectors), axis=-1, keepdims=True), _SHORTEST**2))
