"""The programs of a sweep: from a chunk of parameters, through sounds and a front end, to what is kept of frames."""

import dataclasses
import functools
import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax.sharding import NamedSharding
from jax.sharding import PartitionSpec as P

from w2v_jax import front_end as front_ends
from w2v_jax._src.host_calls import HostCalls, KeptPrecision
from w2v_jax.front_end import Complete, FrontEnd

ROWS = "rows"  # the mesh's only axis

# A chunk of parameters, given to the device at once, and what its features are when they are asked for.
Program = Callable[[dict[str, jax.Array]], Callable[[], np.ndarray]]


@dataclasses.dataclass(frozen=True)
class OfLayers:
    """A pooling of the layers, with their names in the one order in which their outputs cross compiled programs."""

    pooling: Callable[[Mapping[str, jax.Array]], jax.Array]
    names: tuple[str, ...]

    def __call__(self, outputs: Sequence[jax.Array]) -> jax.Array:
        return self.pooling(dict(zip(self.names, outputs, strict=True)))


Kept = Literal["mean", "none"] | OfLayers


def on_devices(
    front_end: FrontEnd, synthesize: Callable[..., jax.Array], pooling: Kept, mesh: jax.sharding.Mesh
) -> Program:
    """A program that does everything on the devices."""
    static, weights = front_ends.split(front_end)
    state = jax.device_put(weights, NamedSharding(mesh, P()))
    run = functools.partial(chunk_features, static, synthesize, pooling, mesh, state)
    precision = KeptPrecision(type(front_end).__name__)

    def program(chunk: dict[str, jax.Array]) -> Callable[[], np.ndarray]:
        features = run(chunk)
        precision.tell(features.dtype)
        return lambda: np.asarray(features)

    return program


@functools.partial(jax.jit, static_argnums=(0, 1, 2, 3))
def chunk_features(
    static: front_ends.Static,
    synthesize: Callable[..., jax.Array],
    pooling: Kept,
    mesh: jax.sharding.Mesh,
    state: nnx.State,
    chunk: dict[str, jax.Array],
) -> jax.Array:
    def on_one_device(state: nnx.State, chunk: dict[str, jax.Array]) -> jax.Array:
        front_end = static.merge(state)
        waveforms = jax.vmap(lambda point: synthesize(**point))(chunk)
        if isinstance(pooling, OfLayers):
            return pooling(outputs_of(front_end, pooling.names, waveforms))
        return _pooled(pooling, _frames(front_end, waveforms))

    # Not left to the partitioner: it would gather the batch for the encoder's loops over it.
    return jax.shard_map(on_one_device, mesh=mesh, in_specs=(P(), P(ROWS)), out_specs=P(ROWS), check_vma=False)(
        state, chunk
    )


def on_host(
    front_end: FrontEnd, synthesize: Callable[..., jax.Array], pooling: Kept, mesh: jax.sharding.Mesh
) -> Program:
    """A program that makes sounds on the devices, calls the front end with them here, and pools on a device again.

    While the front end is called, the next sounds are being made.
    """

    calls = HostCalls.of(front_end)

    def program(chunk: dict[str, jax.Array]) -> Callable[[], np.ndarray]:
        waveforms = _chunk_waveforms(synthesize, mesh, chunk)
        return lambda: features_of(np.array(waveforms))  # a copy, which the front end may write into

    def features_of(waveforms: np.ndarray) -> np.ndarray:
        if not isinstance(pooling, OfLayers):
            frames = calls.checked(front_ends.FRAMES, _frames(front_end, waveforms), waveforms)
            return np.asarray(_pooled_alone(pooling, frames))
        outputs = outputs_of(front_end, pooling.names, waveforms)
        checked = tuple(map(calls.checked, pooling.names, outputs, itertools.repeat(waveforms)))
        return np.asarray(_pooled_alone(pooling, checked))

    return program


@functools.partial(jax.jit, static_argnums=(0, 1))
def _chunk_waveforms(
    synthesize: Callable[..., jax.Array], mesh: jax.sharding.Mesh, chunk: dict[str, jax.Array]
) -> jax.Array:
    def on_one_device(chunk: dict[str, jax.Array]) -> jax.Array:
        return jax.vmap(lambda point: synthesize(**point))(chunk)

    return jax.shard_map(on_one_device, mesh=mesh, in_specs=P(ROWS), out_specs=P(ROWS), check_vma=False)(chunk)


@functools.partial(jax.jit, static_argnums=0)
def _pooled_alone(pooling: Kept, outputs: Any) -> jax.Array:
    return pooling(outputs) if isinstance(pooling, OfLayers) else _pooled(pooling, outputs)


def _pooled(pooling: Literal["mean", "none"], frames: jax.Array) -> jax.Array:
    return jnp.mean(frames, axis=-2) if pooling == "mean" else frames


def _frames(front_end: FrontEnd, waveforms: Any) -> Any:
    """The front end's frames of (rows, ..., samples); it need not take more than (batch, samples)."""
    frames = Complete(front_end)(waveforms.reshape(-1, waveforms.shape[-1]))
    return _unflattened(frames, waveforms)


def outputs_of(front_end: FrontEnd, names: tuple[str, ...], waveforms: Any) -> tuple[Any, ...]:
    """The outputs of every layer, in the order of `names`, shaped in the same way."""
    outputs = Complete(front_end).outputs(waveforms.reshape(-1, waveforms.shape[-1]), names)
    return tuple(_unflattened(frames, waveforms) for frames in outputs)


def _unflattened(frames: Any, waveforms: Any) -> Any:
    if waveforms.ndim == 2 or not hasattr(frames, "reshape"):
        return frames
    return frames.reshape(*waveforms.shape[:-1], *frames.shape[1:])
