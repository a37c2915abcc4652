"""How alike features are: cosine similarity, and linear centred kernel alignment (CKA), as it is and debiased.

All functions take float32 (other floating dtypes are cast), run jitted or not, and are differentiable. Values are
checked only where they are concrete: inside `jax.jit`, `jax.vmap` or `jax.grad`, undefined cases give NaN.
"""

import math
from collections.abc import Sequence
from typing import TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.typing import ArrayLike

# Rows of a Gram matrix added up at a time: float32 sums over a whole grid would lose digits.
_ROWS_PER_BLOCK = 512
# A share of the squared variance: less is what rounding leaves where there is none.
_LEAST_VARIATION = 1e-12

_Array = TypeVar("_Array", jax.Array, np.ndarray)


def cosine_similarity(a: ArrayLike, b: ArrayLike) -> jax.Array:
    """Cosine of the angle between every row of `a` and every row of `b`.

    Args:
        a: (n, d).
        b: (m, d).

    Returns:
        (n, m) float32.

    Raises:
        ValueError: other shapes, values that are not finite, or rows of zeros, which have no direction.

    Examples:
        >>> cosine_similarity(np.array([[1.0, 0.0]]), np.array([[2.0, 0.0], [0.0, 3.0]])).tolist()
        [[1.0, 0.0]]
    """
    a = _matrix("a", a, ndim=2)
    b = _matrix("b", b, ndim=2)
    if a.shape[1] != b.shape[1]:
        raise ValueError(f"a has {a.shape[1]} channels and b has {b.shape[1]}; expected the same number")
    _check_directions("a", a)
    _check_directions("b", b)
    return _cosine_similarity(a, b)


def paired_cosine_distance(a: ArrayLike, b: ArrayLike) -> jax.Array:
    """Cosine distance, 1 - cos, between each row of `a` and the same row of `b`.

    Args:
        a: (n, d).
        b: (n, d).

    Returns:
        (n,) float32, never negative. It is half the squared distance of the unit vectors, which keeps its digits
        where the cosine is all but 1.

    Raises:
        ValueError: as for `cosine_similarity`, or shapes that differ.
    """
    a = _matrix("a", a, ndim=2)
    b = _matrix("b", b, ndim=2)
    if a.shape != b.shape:
        raise ValueError(f"a has shape {a.shape} and b has {b.shape}; expected the same")
    _check_directions("a", a)
    _check_directions("b", b)
    return _paired_cosine_distance(a, b)


def adjacent_distance(features: ArrayLike) -> jax.Array:
    """Cosine distance, 1 - cos, between each row and the next: (n, d) -> (n - 1,) float32, never negative.

    Raises:
        ValueError: as for `cosine_similarity`, or fewer than two rows.
    """
    features = _matrix("features", features, ndim=2)
    if len(features) < 2:
        raise ValueError(f"features has {len(features)} row; expected at least two")
    _check_directions("features", features)
    return _paired_cosine_distance(features[:-1], features[1:])


def grid_distances(features: ArrayLike, shape: Sequence[int]) -> list[float | None]:
    """Mean cosine distance between neighbours on a grid of sounds, along each of its axes, the others fixed.

    Args:
        features: (n, d), in the order of the grid, outer axis first.
        shape: points along each axis; their product is n.

    Returns:
        One distance per axis; None along an axis of one point.

    Raises:
        ValueError: as for `cosine_similarity`, or a shape of another number of points.

    Examples:
        >>> features = jnp.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [0.0, 1.0]])
        >>> grid_distances(features, (2, 2))  # alike along the outer axis, at right angles along the inner one
        [0.0, 1.0]
    """
    features = _matrix("features", features, ndim=2)
    if math.prod(shape) != len(features):
        raise ValueError(f"features has {len(features)} rows; expected {math.prod(shape)} for a grid of {tuple(shape)}")
    _check_directions("features", features)
    on_grid = np.asarray(features).reshape(*shape, features.shape[1])  # by NumPy: moving compiles nothing
    distances: list[float | None] = []
    for axis, count in enumerate(shape):
        if count < 2:
            distances.append(None)
            continue
        lines = np.moveaxis(on_grid, axis, 0)
        ends = (each.reshape(-1, features.shape[1]) for each in (lines[:-1], lines[1:]))
        distances.append(float(jnp.mean(_paired_cosine_distance(*ends))))
    return distances


def stationarity(frames: ArrayLike) -> jax.Array:
    """Are the frames of a sound like its mean, and unlike those of the others (paper section 3.2)?

    Args:
        frames: (n, t, d), t frames of each of n sounds.

    Returns:
        (n, n) float32: in row i and column j, the mean over frames t of cos(step-averaged frame of sound
        i, frame t of sound j).

    Raises:
        ValueError: as for `cosine_similarity`.
    """
    frames = _matrix("frames", frames, ndim=3)
    averaged = jnp.mean(frames, axis=1)
    _check_directions("frames", frames)
    _check_directions("frames, averaged over time,", averaged)
    return _stationarity(averaged, frames)


def linear_cka(a: ArrayLike, b: ArrayLike) -> jax.Array:
    """Linear centred kernel alignment of two feature sets of the same sounds (paper section 3.4).

    `|B^T A|^2 / (|A^T A| |B^T B|)`, in Frobenius norms, with the columns centred: 1 for features that are the same
    up to rotation and scale, 0 for features without linear relation. The cost grows with n, not with its square.

    Args:
        a: (n, d).
        b: (n, e), row by row the same sounds.

    Returns:
        Scalar float32, 0 to 1.

    Raises:
        ValueError: other shapes, values that are not finite, or features that are the same for every
            sound, for which it is undefined.

    Examples:
        >>> features = np.array([[0.0, 1.0], [2.0, 0.0], [1.0, 5.0]])
        >>> round(float(linear_cka(features, 3 * features[:, ::-1])), 6)  # turned and scaled
        1.0
    """
    return _linear_cka(*_same_sounds(a, b))


def debiased_linear_cka(a: ArrayLike, b: ArrayLike) -> jax.Array:
    """Linear CKA without the bias that many channels over few sounds give.

    `linear_cka` of unrelated features is 0 only with far more sounds than channels: with d channels of noise each and
    n sounds it is about d / (n + d). Here every `|X^T Y|^2` is replaced by its unbiased estimate, in which no sound is
    compared with itself: with centred columns, `k = |x_i|^2` and `l = |y_i|^2` of each sound, it is
    `(|X^T Y|^2 - sum(k l) + sum(k) sum(l) / ((n-1) (n-2)) - 2 sum(k l) / (n-2)) / (n (n-3))`
    (Song et al. 2012, Feature selection via dependence maximization, JMLR 13; in CKA: Nguyen, Raghu & Kornblith 2021,
    Do wide and deep networks learn the same things?, ICLR). Where values are concrete it is computed in float64. The
    cost grows with n, not with its square.

    Args:
        a: (n, d), n at least 4.
        b: (n, e), row by row the same sounds.

    Returns:
        Scalar float32: 1 for features that are the same up to rotation and scale. Features without linear relation
        have 0 on average over draws of sounds, so that it can be slightly negative; it is never below -1.

    Raises:
        ValueError: other shapes, fewer than 4 sounds, values that are not finite, or features for which it is
            undefined: the same for every sound, or for every sound but one, or equally far apart.

    Examples:
        >>> rng = np.random.default_rng(0)
        >>> a, b = rng.normal(size=(2, 100, 100))  # unrelated: as many channels as sounds
        >>> round(float(linear_cka(a, b)), 1), round(float(debiased_linear_cka(a, b)), 1)
        (0.5, 0.0)
        >>> round(float(debiased_linear_cka(a, 3 * a[:, ::-1])), 6)  # turned and scaled
        1.0
    """
    a, b = _same_sounds(a, b)
    if len(a) < 4:
        raise ValueError(f"a has {len(a)} sounds; expected at least 4: of fewer there is no unbiased estimate")
    if not (_concrete(a) and _concrete(b)):
        return _debiased_linear_cka(a, b)
    wide_a, wide_b = (_centred_float64(each) for each in (a, b))
    norm_a, norm_b = (_unbiased_squared_norm(each, each, each.T @ each) for each in (wide_a, wide_b))
    for name, wide, norm in (("a", wide_a, norm_a), ("b", wide_b, norm_b)):
        if norm <= _LEAST_VARIATION * np.square(np.square(wide).sum()) / len(wide) ** 2:
            raise ValueError(
                f"the {len(wide)} sounds of {name} lie equally far apart, or all but one are the same; debiased CKA is "
                "undefined where no two are nearer to each other than others are"
            )
    return jnp.asarray(_unbiased_squared_norm(wide_a, wide_b, wide_a.T @ wide_b) / np.sqrt(norm_a * norm_b), a.dtype)


@jax.jit
def _cosine_similarity(a: jax.Array, b: jax.Array) -> jax.Array:
    return jnp.matmul(_unit(a), _unit(b).T, precision=lax.Precision.HIGHEST)


@jax.jit
def _paired_cosine_distance(a: jax.Array, b: jax.Array) -> jax.Array:
    return jnp.sum(jnp.square(_unit(a) - _unit(b)), axis=1) / 2


@jax.jit
def _stationarity(averaged: jax.Array, frames: jax.Array) -> jax.Array:
    mean_direction = jnp.mean(_unit(frames), axis=1)  # the mean of cosines is the cosine with this mean
    return jnp.matmul(_unit(averaged), mean_direction.T, precision=lax.Precision.HIGHEST)


@jax.jit
def _linear_cka(a: jax.Array, b: jax.Array) -> jax.Array:
    a = _centred(a)
    b = _centred(b)
    # Divided before it is squared, and by each in turn: the products of the norms of many rows may overflow.
    cross = jnp.linalg.norm(_gram(a, b))
    return (cross / jnp.linalg.norm(_gram(a, a))) * (cross / jnp.linalg.norm(_gram(b, b)))


@jax.jit
def _debiased_linear_cka(a: jax.Array, b: jax.Array) -> jax.Array:
    a = _centred(a)
    b = _centred(b)
    cross, norm_a, norm_b = (_unbiased_squared_norm(x, y, _gram(x, y)) for x, y in ((a, b), (a, a), (b, b)))
    return (cross / jnp.sqrt(norm_a)) / jnp.sqrt(norm_b)


def _unbiased_squared_norm(a: _Array, b: _Array, gram: _Array) -> _Array:
    """The unbiased estimate of `|A^T B|^2 / n^2`, of centred columns and `gram`, A^T B."""
    n = len(a)
    lengths_a, lengths_b = (a * a).sum(axis=1), (b * b).sum(axis=1)
    own = (lengths_a * lengths_b).sum()
    others = (gram * gram).sum() - own
    return (others + lengths_a.sum() * lengths_b.sum() / ((n - 1) * (n - 2)) - 2 * own / (n - 2)) / (n * (n - 3))


def _same_sounds(a: ArrayLike, b: ArrayLike) -> tuple[jax.Array, jax.Array]:
    """Both as float32, checked to be of as many sounds and to vary."""
    a = _matrix("a", a, ndim=2)
    b = _matrix("b", b, ndim=2)
    if a.shape[0] != b.shape[0]:
        raise ValueError(f"a has {a.shape[0]} rows and b has {b.shape[0]}; expected the same sounds in both")
    for name, features in (("a", a), ("b", b)):
        if _concrete(features) and (np.asarray(features) == np.asarray(features[:1])).all():
            raise ValueError(f"{name} is the same for all {len(a)} sounds; CKA is undefined without variation")
    return a, b


def _matrix(name: str, values: ArrayLike, *, ndim: int) -> jax.Array:
    if not isinstance(values, jax.Array):
        values = np.asarray(values)
    axes = {2: "(n, d)", 3: "(n, t, d)"}[ndim]
    if values.ndim != ndim or 0 in values.shape:
        raise ValueError(f"{name} has shape {values.shape}; expected {axes}, none of them 0")
    if jnp.issubdtype(values.dtype, jnp.complexfloating):
        raise ValueError(f"{name} is {values.dtype}; expected real numbers")
    values = jnp.asarray(values, jnp.float32)
    if _concrete(values) and not np.isfinite(values).all():
        raise ValueError(f"{name} has values that are not finite in float32; expected none")
    return values


def _check_directions(name: str, vectors: jax.Array) -> None:
    if _concrete(vectors):
        nonzero = np.asarray(vectors).any(axis=-1)
        if not nonzero.all():
            row = np.argwhere(~nonzero)[0].tolist()
            raise ValueError(f"{name} has a row of zeros (at {row}): it has no direction, so its cosine is undefined")


def _unit(vectors: jax.Array) -> jax.Array:
    """`vectors`, (..., d), scaled to length 1."""
    # By the largest entry first, so that no square over- or underflows.
    largest = lax.stop_gradient(jnp.max(jnp.abs(vectors), axis=-1, keepdims=True))
    vectors = vectors / largest
    return vectors / jnp.linalg.norm(vectors, axis=-1, keepdims=True)


def _centred(features: jax.Array) -> jax.Array:
    """`features`, (n, d), less the mean of each column, and scaled to a largest entry of 1."""
    # About one of its rows, the mean of a column is small; a second pass removes what rounding left of it.
    features = features - lax.stop_gradient(features[:1])
    for _ in range(2):
        features = features - jnp.mean(features, axis=0, keepdims=True)
    return features / lax.stop_gradient(jnp.max(jnp.abs(features)))


def _centred_float64(features: jax.Array) -> np.ndarray:
    """`features`, (n, d), less the mean of each column, and scaled to a largest entry of 1, in float64."""
    wide = np.asarray(features, np.float64)
    wide = wide - wide[:1]
    wide -= wide.mean(axis=0)
    return wide / np.abs(wide).max()


def _gram(a: jax.Array, b: jax.Array) -> jax.Array:
    """`a.T @ b`, (n, d), (n, e) -> (d, e), added up in blocks of rows."""
    num_rows = len(a)
    num_blocks = -(-num_rows // _ROWS_PER_BLOCK)
    padding = ((0, num_blocks * _ROWS_PER_BLOCK - num_rows), (0, 0))
    blocks_a = jnp.pad(a, padding).reshape(num_blocks, _ROWS_PER_BLOCK, -1)
    blocks_b = jnp.pad(b, padding).reshape(num_blocks, _ROWS_PER_BLOCK, -1)

    def add(
        total: tuple[jax.Array, jax.Array], block: tuple[jax.Array, jax.Array]
    ) -> tuple[tuple[jax.Array, jax.Array], None]:
        # Kahan's summation: what rounding drops from the sum is carried to the next block.
        sum_so_far, dropped = total
        product = jnp.matmul(block[0].T, block[1], precision=lax.Precision.HIGHEST) - dropped
        new_sum = sum_so_far + product
        return (new_sum, (new_sum - sum_so_far) - product), None

    zeros = jnp.zeros((a.shape[1], b.shape[1]), a.dtype)
    (gram, _), _ = lax.scan(add, (zeros, zeros), (blocks_a, blocks_b))
    return gram


def _concrete(values: jax.Array) -> bool:
    return not isinstance(values, jax.core.Tracer)
