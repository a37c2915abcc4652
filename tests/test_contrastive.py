"""Contrastive predictive coding: the loss against a plain loop, chance, and no look into the future."""

import jax
import numpy as np
import pytest
from flax import nnx
from processes import TINY

from w2v_jax import contrastive
from w2v_jax.contrastive import ContrastiveConfig, ContrastivePredictor
from w2v_jax.encoder import FeatureEncoder

contrastive_loss = jax.jit(contrastive.contrastive_loss, static_argnames=("group", "temperature"))


def random(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def plain_loss(frames, predictions, *, group, temperature):
    """One prediction after another, in float64."""
    frames, predictions = (x / np.linalg.norm(x, axis=-1, keepdims=True) for x in (frames, predictions))
    losses, hits = [], []
    utterances, num_frames, steps, _ = predictions.shape
    for u, t, k in np.ndindex(utterances, num_frames, steps):
        if t + k + 1 < num_frames:
            first = u // group * group
            logits = frames[first : first + group].reshape(-1, frames.shape[-1]) @ predictions[u, t, k] / temperature
            true = (u - first) * num_frames + t + k + 1
            losses.append(np.log(np.exp(logits).sum()) - logits[true])
            hits.append(logits.argmax() == true)
    return np.mean(losses), np.mean(hits)


def test_against_a_plain_loop():
    frames, predictions = random(6, 7, 5).astype(np.float64), random(6, 7, 3, 5, seed=1).astype(np.float64)
    expected = plain_loss(frames, predictions, group=2, temperature=0.3)
    loss = contrastive_loss(np.float32(frames), np.float32(predictions), group=2, temperature=0.3)
    np.testing.assert_allclose(loss, expected, rtol=1e-5)


def test_true_predictions_and_none():
    frames = np.eye(40, dtype=np.float32).reshape(4, 10, 40)  # no two frames alike
    ahead = np.stack([np.roll(frames, -k, axis=1) for k in (1, 2)], axis=2)
    right = contrastive_loss(frames, ahead, group=4, temperature=0.1)
    assert right.accuracy == 1
    np.testing.assert_allclose(right.loss, np.log1p(39 * np.exp(-10)), rtol=1e-3)
    # Frames that are all alike say nothing: the loss is that of a guess.
    alike = contrastive_loss(np.ones_like(frames), ahead, group=4, temperature=0.1)
    np.testing.assert_allclose(alike.loss, np.log(40), rtol=1e-5)


def test_groups_know_nothing_of_one_another():
    frames, predictions = random(8, 6, 4), random(8, 6, 2, 4, seed=1)
    together = contrastive_loss(frames, predictions, group=4)
    apart = [contrastive_loss(frames[i : i + 4], predictions[i : i + 4], group=4) for i in (0, 4)]
    np.testing.assert_allclose(together, np.mean(apart, axis=0), rtol=1e-5)


def test_predictions_do_not_look_ahead():
    predictor = ContrastivePredictor(
        FeatureEncoder(TINY, rngs=nnx.Rngs(0)), ContrastiveConfig(hidden=8, steps=3), rngs=nnx.Rngs(0)
    )
    predictions = jax.jit(predictor.predictions)
    frames = random(2, 9, TINY.channels[-1])
    before = predictions(frames)
    frames[:, 5:] += 1
    after = predictions(frames)
    assert before.shape == (2, 9, 3, TINY.channels[-1])
    difference = np.asarray(before) - np.asarray(after)
    assert not difference[:, :5].any()
    assert difference[:, 5:].any(axis=(2, 3)).all()


def test_the_gradient_reaches_every_parameter():
    predictor = ContrastivePredictor(
        FeatureEncoder(TINY, rngs=nnx.Rngs(0)), ContrastiveConfig(hidden=8, steps=3, group=2), rngs=nnx.Rngs(0)
    )
    graphdef, parameters = nnx.split(predictor)
    sound = random(2, 4_000)
    slope = jax.jit(jax.grad(lambda parameters: nnx.merge(graphdef, parameters)(sound).loss))(parameters)
    for path, each in nnx.to_flat_state(slope):
        assert np.any(each[...]), path


@pytest.mark.parametrize(
    ("shape", "group", "message"),
    [
        ((3, 9, 4), 2, "3 utterances; expected a multiple of the 2"),
        ((2, 2, 4), 2, "have 2 frames; expected more"),
    ],
)
def test_errors(shape, group, message):
    with pytest.raises(ValueError, match=message):
        contrastive_loss(np.ones(shape, np.float32), np.ones((*shape[:2], 2, 4), np.float32), group=group)
