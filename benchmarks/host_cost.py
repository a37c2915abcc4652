"""Microseconds a row that a sweep costs on the host, with a front end and a stimulus that cost next to nothing.

python -m benchmarks.host_cost
"""

import time
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from absl import app, flags
from flax import nnx

import w2v_jax
from w2v_jax.front_end import Frames

_ROWS = flags.DEFINE_integer("rows", 200_000, "Rows of a sweep.", lower_bound=1_000)
_ROUNDS = flags.DEFINE_integer("rounds", 5, "Rounds to take medians over.", lower_bound=1)
_CHANNELS = 512


class Nothing(nnx.Module):
    """One frame: the first sample, in every channel."""

    frames = Frames(sample_rate=16_000, receptive_field=400, hop=320)

    def __call__(self, waveforms: jax.Array) -> jax.Array:
        """(..., samples) to (..., 1, channels)."""
        return jnp.broadcast_to(waveforms[..., :1, None], (*waveforms.shape[:-1], 1, _CHANNELS))


def level(f0: jax.Array, f1: jax.Array, f2: jax.Array) -> jax.Array:
    """One frame of a constant."""
    return jnp.full(400, f0 + f1 + f2)


def main(arguments: Sequence[str]) -> None:
    if len(arguments) > 1:
        raise app.UsageError(f"unexpected argument {arguments[1]!r}")
    generator = np.random.default_rng(0)
    grid = {name: generator.random(_ROWS.value, np.float32) for name in ("f0", "f1", "f2")}
    print("| rows a call | us a row, median | least |\n|---|---|---|")
    for batch_size in (256, 1024):
        taken = []
        for _ in range(1 + _ROUNDS.value):
            start = time.perf_counter()
            w2v_jax.sweep(Nothing(), level, grid, batch_size=batch_size)
            taken.append(1e6 * (time.perf_counter() - start) / _ROWS.value)
        print(f"| {batch_size} | {np.median(taken[1:]):.2f} | {min(taken[1:]):.2f} |")  # the first one compiled


if __name__ == "__main__":
    app.run(main)
