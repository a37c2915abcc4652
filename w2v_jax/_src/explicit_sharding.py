"""Batches that lie on a mesh with explicit axes, which is what `jax.make_mesh` makes by default.

There JAX asks every reshape, gather and loop how its result lies. For waveforms, which know nothing of one another, one
answer serves: the partitioner decides inside, and what comes out lies as the batch does.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import jax
from flax import nnx
from jax.sharding import NamedSharding
from jax.sharding import PartitionSpec as P

_Module = TypeVar("_Module", bound=nnx.Module)
_Output = TypeVar("_Output")


def along_the_batch(
    compute: Callable[..., _Output], module: _Module, waveform: Any, *rest: Any, keeps_batch: bool = True
) -> _Output:
    """`compute(module, waveform, *rest)`, where the waveform's mesh may have explicit axes.

    Args:
        compute: the computation.
        module: whose parameters it uses.
        waveform: (..., samples).
        rest: further arrays, or None.
        keeps_batch: whether what it returns has the waveform's leading axes, and so their sharding; otherwise it is
            the same on all devices.
    """
    mesh = getattr(getattr(_type(waveform), "sharding", None), "mesh", None)
    if mesh is None or mesh.empty or not mesh.explicit_axes:
        return compute(module, waveform, *rest)
    graphdef, state = nnx.split(module)

    def merged(state: nnx.State, waveform: Any, *rest: Any) -> _Output:
        return compute(nnx.merge(graphdef, state), waveform, *rest)

    leading = _type(waveform).sharding.spec[:-1] if keeps_batch else ()
    output: _Output = jax.sharding.auto_axes(merged, out_sharding=NamedSharding(mesh, P(*leading)))(
        state, waveform, *rest
    )
    return output


def _type(waveform: Any) -> Any:
    return jax.typeof(waveform) if isinstance(waveform, jax.Array) else None
