"""A long waveform in overlapping pieces, one in memory at a time."""

from collections.abc import Callable
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
from jax import lax

from w2v_jax.front_end import Frames

_Sums = TypeVar("_Sums")


class Pieces:
    """Cuts waveforms so that each piece has the same number of frames, and every frame lies in one piece.

    Args:
        waveform: (batch, samples).
        frames: how a front end (or a layer of it) frames it; without padding.
        frames_per_piece: at least 1.

    Examples:
        >>> pieces = Pieces(jnp.arange(10.0)[None], Frames(1, receptive_field=3, hop=2), frames_per_piece=3)
        >>> pieces.map(lambda part, first: jnp.stack([part[:, 0::2][:, :3], part[:, 2::2]], -1))[0, :, 0]
        Array([0., 2., 4., 6.], dtype=float32)
    """

    def __init__(self, waveform: jax.Array, frames: Frames, frames_per_piece: int):
        self._num_frames = frames.num_frames(waveform.shape[-1])
        self._frames_per_piece = frames_per_piece
        self._count = -(-self._num_frames // frames_per_piece)
        self._hop = frames.hop
        self._samples = (frames_per_piece - 1) * frames.hop + frames.receptive_field
        # Frames past the end see zeros, and are cut off or not valid.
        needed = (self._count - 1) * frames_per_piece * frames.hop + self._samples
        self._waveform = jnp.pad(waveform, ((0, 0), (0, max(0, needed - waveform.shape[-1]))))

    def map(self, compute: Callable[[jax.Array, jax.Array], jax.Array]) -> jax.Array:
        """Frames of the whole waveform: `compute(part, first_frame)` returns (batch, frames_per_piece, channels).

        A gradient computes each piece again, so that it needs no more memory either.
        """
        parts = lax.map(
            jax.checkpoint(lambda index: compute(*self._part(index))), jnp.arange(self._count, dtype=jnp.int32)
        )
        batch, channels = parts.shape[1], parts.shape[-1]
        return jnp.moveaxis(parts, 0, 1).reshape(batch, -1, channels)[:, : self._num_frames]

    def sum(self, compute: Callable[[jax.Array, jax.Array], _Sums]) -> _Sums:
        """Sums over the pieces of what `compute(part, first_frame)` returns."""

        @jax.checkpoint
        def of_piece(index: jax.Array) -> _Sums:
            return compute(*self._part(index))

        def add(total: Any, index: jax.Array) -> tuple[Any, None]:
            return jax.tree.map(jnp.add, total, of_piece(index)), None

        nothing = jax.tree.map(lambda one: jnp.zeros(one.shape, one.dtype), jax.eval_shape(of_piece, jnp.int32(0)))
        return lax.scan(add, nothing, jnp.arange(self._count, dtype=jnp.int32))[0]

    def _part(self, index: jax.Array) -> tuple[jax.Array, jax.Array]:
        """A piece of the waveforms, and the number of its first frame."""
        first = index * self._frames_per_piece
        return lax.dynamic_slice_in_dim(self._waveform, first * self._hop, self._samples, axis=1), first
