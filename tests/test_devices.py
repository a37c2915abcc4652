"""Eight simulated devices: the same numbers as one, and no word between them."""

import dataclasses
import os

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from jax.sharding import NamedSharding
from jax.sharding import PartitionSpec as P
from processes import module_done

from experiments.pretrain import training
from experiments.pretrain.training import Recipe
from tests import jax_settings
from w2v_jax import stimuli, sweep
from w2v_jax._src import chunk_programs
from w2v_jax.contrastive import ContrastiveConfig
from w2v_jax.encoder import EncoderConfig, FeatureEncoder
from w2v_jax.spectrograms import LogMelSpectrogram

NUM_DEVICES = 8
# Wide enough for the convolution's loops over waveforms and channels, which a partitioner would break up.
CONFIG = EncoderConfig(channels=(80, 72, 5), kernel_sizes=(10, 3, 2), strides=(5, 2, 2))
GRID = dict(low=np.linspace(100, 400, 45), high=np.linspace(1_000, 3_000, 45)[::-1])


def two_tones(low, high):
    return stimuli.sine_mixture([low, high], [0.6, 0.4], duration=0.5)


def test_on_eight_devices():
    flags = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count={NUM_DEVICES}"
    environment = {"JAX_PLATFORMS": "cpu", "XLA_FLAGS": flags}
    done = module_done("tests.test_devices", environment=os.environ | environment)
    assert done.returncode == 0, done.stdout + done.stderr


def check() -> None:
    """What `test_on_eight_devices` runs in a process that has eight."""
    assert len(jax.local_devices()) == NUM_DEVICES
    encoder = FeatureEncoder(CONFIG, rngs=nnx.Rngs(0))
    # Two rows per device and call: three calls, of which the last has idle devices and a padded block.
    everywhere = sweep(encoder, two_tones, GRID, pooling="none", batch_size=2 * NUM_DEVICES)
    alone = sweep(encoder, two_tones, GRID, pooling="none", batch_size=2, devices=jax.local_devices()[3:4])
    np.testing.assert_array_equal(everywhere, alone)
    # A batch that the devices do not divide is rounded up.
    rounded = sweep(encoder, two_tones, GRID, pooling="none", batch_size=2 * NUM_DEVICES - 7)
    np.testing.assert_array_equal(rounded, alone)
    check_program(encoder)
    jax.config.update("jax_disable_most_optimizations", True)  # compiling is most of it
    check_padded_batch(encoder)
    check_explicit_axes()
    check_training()
    jax.config.update("jax_disable_most_optimizations", False)
    check_nothing_is_compiled_again(encoder)


def check_program(encoder: FeatureEncoder) -> None:
    """The program that a sweep runs has as many parts as devices, and none of the operations that join them."""
    program, calls = chunk_programs.chunk_features, []
    chunk_programs.chunk_features = lambda *arguments: (calls.append(arguments), program(*arguments))[1]
    sweep(encoder, two_tones, GRID, pooling="none", batch_size=2 * NUM_DEVICES)
    chunk_programs.chunk_features = program
    text = program.lower(*calls[0]).compile().as_text()
    assert f"num_partitions={NUM_DEVICES}" in text
    for operation in ("all-reduce", "all-gather", "all-to-all", "collective", "reduce-scatter", "send", "recv"):
        assert operation not in text, operation


def check_padded_batch(encoder: FeatureEncoder) -> None:
    """A padded batch in parts on all devices is that on one."""
    waveforms = np.random.default_rng(0).standard_normal((NUM_DEVICES, 900)).astype(np.float32)
    lengths = np.arange(100, 900, 100)
    rows = NamedSharding(jax.sharding.Mesh(jax.local_devices(), ("rows",)), P("rows"))
    encode = jax.jit(lambda waveforms, lengths: encoder(waveforms, lengths=lengths))
    features = encode(*jax.device_put((waveforms, lengths), rows))
    assert features.sharding.is_equivalent_to(rows, features.ndim)
    np.testing.assert_allclose(features, encode(waveforms, lengths), atol=5e-6)


def check_explicit_axes() -> None:
    """A batch on a mesh with explicit axes, which `jax.make_mesh` makes by default, is that on one device."""
    mesh = jax.make_mesh((2,), ("d",), devices=jax.local_devices()[:2])
    sounds, lengths = jax_settings.SOUNDS, jax_settings.LENGTHS
    lying = jax.device_put((sounds, lengths), NamedSharding(mesh, P("d")))
    encoders = [jax_settings.encoder(*kind) for kind in jax_settings.KINDS]

    def everything(front_end, x, lengths):
        features = [front_end(x), front_end(x, lengths=lengths)]
        return [*features, *getattr(front_end, "activations", lambda *_, **__: ())(x, lengths=lengths)]

    for front_end in (*encoders, LogMelSpectrogram()):
        expected = jax.jit(everything)(front_end, sounds, lengths)
        for ours, other in zip(jax.jit(everything)(front_end, *lying), expected, strict=True):
            assert ours.sharding.is_equivalent_to(NamedSharding(mesh, P("d")), ours.ndim)
            np.testing.assert_allclose(ours, other, atol=1e-5)
    encoder = encoders[0]
    gradient = jax.jit(jax.grad(lambda front_end, x: jnp.sum(jnp.square(front_end(x)))))
    for ours, expected in zip(*(jax.tree.leaves(gradient(encoder, x)) for x in (lying[0], sounds)), strict=True):
        np.testing.assert_allclose(ours, expected, atol=1e-3)
    # JAX takes no single row of what lies so, not of the input either, unless it is told where the row is to lie.
    np.testing.assert_allclose(np.asarray(encoder(lying[0]))[1], encoder(sounds)[1], atol=1e-5)
    np.testing.assert_allclose(
        encoder(lying[0]).at[1].get(out_sharding=NamedSharding(mesh, P())), encoder(sounds)[1], atol=1e-5
    )
    grid = {name: values[:5] for name, values in GRID.items()}
    expected = sweep(encoder, two_tones, grid, batch_size=2)
    with jax.set_mesh(mesh):
        np.testing.assert_allclose(sweep(encoder, two_tones, grid, batch_size=2), expected, atol=1e-5)
        np.testing.assert_allclose(encoder(lying[0]), encoder(sounds), atol=1e-5)


def check_training() -> None:
    """Steps of training on all devices are those on one, but for rounding."""
    recipe = Recipe(
        steps=10,
        batch_size=2 * NUM_DEVICES,
        seconds=0.1,
        encoder=CONFIG,
        contrastive=ContrastiveConfig(hidden=8, steps=2, group=2),
    )
    training._sound = numbered_noise  # quicker to compile than speech
    losses = []
    for devices in (jax.local_devices(), jax.local_devices()[3:4]):
        recipe.check(num_devices=len(devices))
        mesh = training.mesh_of(devices)
        state = training.replicated(training.initial_state(recipe), mesh)
        losses.append([])
        for _ in range(4):
            state, outcome = training.train_step(recipe, mesh, state)
            losses[-1].append(float(outcome.loss))
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-4)
    assert np.ptp(losses[0]) > 1e-2  # they are losses of different sounds
    with pytest.raises(ValueError, match="batch_size is 8; expected a multiple of 16"):
        dataclasses.replace(recipe, batch_size=8).check(num_devices=NUM_DEVICES)


def numbered_noise(recipe: Recipe, key: jax.Array, stream: int, first: jax.Array, count: int) -> jax.Array:
    samples = round(recipe.seconds * 16_000)
    return jax.vmap(lambda n: jax.random.normal(jax.random.fold_in(key, n), (samples,)))(first + jnp.arange(count))


def check_nothing_is_compiled_again(encoder: FeatureEncoder) -> None:
    compiled = []
    jax.monitoring.register_event_duration_secs_listener(
        lambda event, *_, **__: compiled.append(event) if event.endswith("backend_compile_duration") else None
    )
    other = FeatureEncoder(CONFIG, rngs=nnx.Rngs(1))
    jax.block_until_ready(nnx.state(other))
    compiled.clear()
    for each in (encoder, other):
        sweep(each, two_tones, GRID, pooling="none", batch_size=2 * NUM_DEVICES)
    assert not compiled
    sweep(encoder, two_tones, GRID, batch_size=2 * NUM_DEVICES)  # another pooling
    assert compiled


if __name__ == "__main__":
    check()
