"""What features know of the sounds they were made from, as numbers with intervals.

Every score is a pure function of features, (n, d), and of the parameters of the n sounds, and returns a `Score`: a
value and a seeded bootstrap interval. None looks at a two-dimensional picture. Where a score is undefined (vectors
of zeros, a parameter that does not vary, too few points) an `UndefinedScoreError` says why.

The sounds of a grid were chosen, not drawn at random. So an interval says how far a score hangs on which of the
sounds were taken; each docstring names the unit that is drawn again.
"""

from w2v_jax.scores.bootstrap import Bootstrap, Score, UndefinedScoreError, beats, difference
from w2v_jax.scores.decoding import decodability
from w2v_jax.scores.frequency_scale import scale_fit
from w2v_jax.scores.invariances import invariance, relative_invariance
from w2v_jax.scores.neighbourhoods import neighbour_overlap
from w2v_jax.scores.orderings import monotonicity
from w2v_jax.scores.representational_similarity import rsa
from w2v_jax.scores.temporal import burst_separation, steadiness

__all__ = [
    "Bootstrap",
    "Score",
    "UndefinedScoreError",
    "beats",
    "burst_separation",
    "decodability",
    "difference",
    "invariance",
    "monotonicity",
    "neighbour_overlap",
    "relative_invariance",
    "rsa",
    "scale_fit",
    "steadiness",
]
