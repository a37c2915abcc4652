"""Phases that float32 cannot hold: fractions of a turn, as 32-bit integers.

A float32 holds no phase: 2 pi f t at 8 kHz and 1 s is off by 1e-3. So the phase is kept in turns (cycles), and only
its fraction, as a 32-bit integer. A product of frequency and time is split into products of 12-bit pieces, which
float32 holds exactly; each is reduced modulo one turn without rounding, and their sum wraps around by itself.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax


def turns(values: jax.Array, weight: np.ndarray) -> jax.Array:
    """`values[:, None] * weight` modulo 1, in units of 2^-32, as wrapping int32 (tones, samples).

    Exact to about 2^-29 turns while the products stay below 2^17 turns (8 kHz for 16 s).
    """
    # 12 bits of each factor at a time: 24-bit products are exact, fused multiply-add or not.
    bits = lax.bitcast_convert_type(values, jnp.uint32) & jnp.uint32(0xFFFFF000)
    high = lax.bitcast_convert_type(bits, jnp.float32)
    pieces = _twelve_bit_pieces(weight, count=4)
    products = [(high, piece) for piece in pieces] + [(values - high, piece) for piece in pieces[:-1]]
    total = jnp.zeros((len(values), len(weight)), jnp.int32)
    for factor, piece in products:
        product = factor[:, None] * piece[None]
        fraction = product - jnp.round(product)  # exact, in -1/2 ... 1/2
        total = total + (fraction * 2.0**31).astype(jnp.int32)  # 2^31: so that 1/2 fits
    return total << 1


def _twelve_bit_pieces(weight: np.ndarray, *, count: int) -> list[np.ndarray]:
    """Float32 arrays of 12 significant bits each that add up to `weight`, largest first."""
    pieces = []
    rest = np.asarray(weight, np.float64)
    for _ in range(count):
        mantissa, exponent = np.frexp(rest)
        piece = np.ldexp(np.trunc(np.ldexp(mantissa, 12)), exponent - 12)
        pieces.append(piece.astype(np.float32))
        rest = rest - piece
    return pieces


def sin_of_turns(turns: jax.Array) -> jax.Array:
    """Sine of an angle given in units of 2^-32 turns."""
    # Fold the outer quarters onto the inner ones, sin(pi - x) = sin(x), while the angle is an exact integer.
    outer = (turns ^ (turns << 1)) < 0
    folded = jnp.where(outer, np.int32(-(2**31)) - turns, turns)
    return jnp.sin(folded.astype(jnp.float32) * np.float32(2 * np.pi * 2.0**-32))
