"""Self-supervised training of an encoder on speech-like sound: the recipe, and one step of it as a pure function."""

import dataclasses
import functools
import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from jax import lax
from jax.sharding import NamedSharding
from jax.sharding import PartitionSpec as P

from w2v_jax import speech
from w2v_jax.contrastive import ContrastiveConfig, ContrastivePredictor, Outcome
from w2v_jax.convolution import Precision
from w2v_jax.encoder import EncoderConfig, FeatureEncoder
from w2v_jax.speech import SpeechConfig

_UTTERANCES = "utterances"  # the mesh's only axis

# Streams of random keys: the sound of training, which `Recipe.seed` chooses, and the held-out sound, always the same.
_TRAINING_STREAM, _HELD_OUT_STREAM = 1, 2
_HELD_OUT_SEED = 20_221_015
HELD_OUT_GROUPS = 16


@dataclasses.dataclass(frozen=True)
class Recipe:
    """All that decides what an encoder learns. Frozen and hashable: a static argument.

    Attributes:
        seed: of the initial parameters and of the sound.
        steps: updates; the learning rate rises over the first `warmup_steps`, then falls as a cosine to
            nothing.
        batch_size: utterances per update.
        seconds: duration of an utterance.
        learning_rate: its peak.
        first_layer_rate: times that, for the kernels of the encoder's first layer. With ten weights each, they begin
            twelve times as large as those of the layers above, and AdamW's steps do not grow with them.
        warmup_steps: updates.
        weight_decay: of AdamW, on matrices and kernels.
        clip: largest norm of a gradient.
        precision: of the encoder's convolutions; see `w2v_jax.convolution.convolve`.
        encoder, contrastive, speech: what is trained, how, and on what.
    """

    seed: int = 0
    steps: int = 20_000
    batch_size: int = 8
    seconds: float = 1.0
    learning_rate: float = 1e-3
    first_layer_rate: float = 10.0
    warmup_steps: int = 100
    weight_decay: float = 0.01
    clip: float = 1.0
    precision: Precision = "float32"
    encoder: EncoderConfig = EncoderConfig()  # noqa: RUF009 (frozen)
    contrastive: ContrastiveConfig = ContrastiveConfig()  # noqa: RUF009
    speech: SpeechConfig = SpeechConfig()  # noqa: RUF009

    @property
    def candidates(self) -> int:
        """Frames among which the true one is to be found: chance is an accuracy of one in so many."""
        return self.contrastive.group * self.encoder.frames.num_frames(round(self.seconds * self.encoder.sample_rate))

    def check(self, *, num_devices: int) -> None:
        """Raises `ValueError` where nothing could be learned: each device needs whole groups of long enough sound."""
        group = self.contrastive.group
        if self.batch_size < 1 or self.batch_size % (group * num_devices):
            raise ValueError(
                f"batch_size is {self.batch_size}; expected a multiple of {group * num_devices} "
                f"(utterances in groups of {group}, on {num_devices} device{'s' * (num_devices > 1)})"
            )
        if self.steps < 1:
            raise ValueError(f"steps is {self.steps}; expected at least 1")
        if self.candidates <= group * self.contrastive.steps:
            raise ValueError(
                f"seconds is {self.seconds}: {self.candidates // group} frames; expected more than the "
                f"{self.contrastive.steps} that are predicted"
            )


class TrainState(NamedTuple):
    """Where training is: all that the next step depends on, apart from the recipe.

    Attributes:
        step: updates made so far, a scalar.
        parameters: of the `ContrastivePredictor`.
        optimizer: what AdamW remembers.
    """

    step: jax.Array
    parameters: nnx.State
    optimizer: optax.OptState


def initial_state(recipe: Recipe) -> TrainState:
    """The state before the first step."""
    parameters = nnx.state(_predictor(recipe), nnx.Param)
    return TrainState(jnp.int32(0), parameters, _optimizer(recipe).init(parameters))


@functools.partial(jax.jit, static_argnums=(0, 1), donate_argnums=2)
def train_step(recipe: Recipe, mesh: jax.sharding.Mesh, state: TrainState) -> tuple[TrainState, Outcome]:
    """One update, from the making of the sound to the new parameters.

    Args:
        recipe: it.
        mesh: from `mesh_of`. The utterances of a step are shared among its devices; what is learned is the same, up to
            rounding, on any number of them.
        state: before; its memory is used again.

    Returns:
        The state after, and how well the step's frames were predicted before.
    """
    graphdef = nnx.graphdef(_abstract_predictor(recipe))
    each = recipe.batch_size // mesh.size

    def gradient(step: jax.Array, parameters: nnx.State) -> tuple[nnx.State, Outcome]:
        first = step * recipe.batch_size + lax.axis_index(_UTTERANCES) * each
        sound = _sound(recipe, jax.random.key(recipe.seed), _TRAINING_STREAM, first, each)

        def loss(parameters: nnx.State) -> tuple[jax.Array, Outcome]:
            outcome = nnx.merge(graphdef, parameters)(sound)
            return outcome.loss, outcome

        return lax.pmean(jax.grad(loss, has_aux=True)(parameters), _UTTERANCES)

    gradient = jax.shard_map(gradient, mesh=mesh, in_specs=P(), out_specs=P(), check_vma=False)
    slope, outcome = gradient(state.step, state.parameters)
    updates, optimizer = _optimizer(recipe).update(slope, state.optimizer, state.parameters)
    return TrainState(state.step + 1, optax.apply_updates(state.parameters, updates), optimizer), outcome


@functools.partial(jax.jit, static_argnums=0)
def held_out(recipe: Recipe, parameters: nnx.State) -> Outcome:
    """How well frames of sound that no training hears are predicted; the same utterances for every seed."""
    predictor = nnx.merge(nnx.graphdef(_abstract_predictor(recipe)), parameters)
    group = recipe.contrastive.group

    def of_group(first: jax.Array) -> Outcome:
        sound = _sound(recipe, jax.random.key(_HELD_OUT_SEED), _HELD_OUT_STREAM, first, group)
        return predictor(sound)

    return jax.tree.map(jnp.mean, lax.map(of_group, group * jnp.arange(HELD_OUT_GROUPS, dtype=jnp.int32)))


def trained_encoder(recipe: Recipe, parameters: nnx.State) -> FeatureEncoder:
    """The encoder inside the predictor."""
    return nnx.merge(nnx.graphdef(_abstract_predictor(recipe)), parameters).encoder


def mesh_of(devices: list[jax.Device]) -> jax.sharding.Mesh:
    """The devices that share the utterances of a step."""
    return jax.sharding.Mesh(np.array(devices), (_UTTERANCES,))


def replicated(state: TrainState, mesh: jax.sharding.Mesh) -> TrainState:
    """`state` on every device of `mesh`."""
    return jax.device_put(state, NamedSharding(mesh, P()))


def is_snapshot(step: int) -> bool:
    """Whether `step` is one of 0, 1, 2, 5, 10, 20, 50, ..., after which an encoder is kept."""
    if step < 1:
        return step == 0
    return step in (digit * 10 ** int(math.log10(step) + 1e-9) for digit in (1, 2, 5))


def _predictor(recipe: Recipe) -> ContrastivePredictor:
    # The encoder's parameters first: at step 0 it is the `FeatureEncoder` of that seed.
    encoder = FeatureEncoder(recipe.encoder, precision=recipe.precision, rngs=nnx.Rngs(recipe.seed))
    return ContrastivePredictor(encoder, recipe.contrastive, rngs=nnx.Rngs(params=jax.random.key(recipe.seed + 2**31)))


def _abstract_predictor(recipe: Recipe) -> ContrastivePredictor:
    return nnx.eval_shape(lambda: _predictor(recipe))


def _optimizer(recipe: Recipe) -> optax.GradientTransformation:
    schedule = optax.warmup_cosine_decay_schedule(
        0.0, recipe.learning_rate, min(recipe.warmup_steps, recipe.steps // 10), recipe.steps
    )
    return optax.chain(
        optax.clip_by_global_norm(recipe.clip),
        optax.adamw(
            lambda count: schedule(count + 1),  # the first update is not to be nothing
            b2=0.98,
            weight_decay=recipe.weight_decay,
            mask=lambda parameters: jax.tree.map(lambda value: value.ndim > 1, parameters),
        ),
        optax.masked(optax.scale(recipe.first_layer_rate), _is_first_kernel),
    )


def _is_first_kernel(parameters: nnx.State) -> nnx.State:
    """True at the kernels of the encoder's first layer, in a tree like `parameters`."""
    first = ("encoder", "conv_layers", 0, "kernel")
    return nnx.map_state(lambda path, _: path == first, parameters)


def _sound(recipe: Recipe, key: jax.Array, stream: int, first: jax.Array, count: int) -> jax.Array:
    """Utterances `first`, `first + 1`, ... of a stream, (count, samples): each depends on its number alone."""
    stream_key = jax.random.fold_in(key, stream)
    keys = jax.vmap(lambda number: jax.random.fold_in(stream_key, number))(first + jnp.arange(count, dtype=jnp.int32))
    return jax.vmap(
        lambda each: speech.utterance(
            each, recipe.speech, duration=recipe.seconds, sample_rate=recipe.encoder.sample_rate
        )
    )(keys)
