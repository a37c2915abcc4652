"""What features know of the sounds they were made from, as numbers with intervals.

Every score is a pure function of features, (n, d), and of the parameters of the n sounds, and returns a `Score`: a
value and a seeded bootstrap interval. None looks at a two-dimensional picture. Where a score is undefined (vectors
of zeros, a parameter that does not vary, too few points) an `UndefinedScoreError` says why.

The sounds of a grid were chosen, not drawn at random. So an interval says how far a score hangs on which of the
sounds were taken; each docstring names the unit that is drawn again. It says nothing of other trainings or seeds:
`compare` holds populations of encoders against each other.
"""

from w2v_jax.scores.bootstrap import Bootstrap, Score, UndefinedScoreError, beats, difference, standard_error
from w2v_jax.scores.decoding import BlockScores, block_decodability, decodability
from w2v_jax.scores.discrimination import abx
from w2v_jax.scores.frequency_scale import scale_fit
from w2v_jax.scores.invariances import invariance, relative_invariance
from w2v_jax.scores.kernel_alignment import cka
from w2v_jax.scores.learned_scale import LearnedScale, equal_steps, learned_scale
from w2v_jax.scores.maps import continuity, shuffled_maps_score, trustworthiness
from w2v_jax.scores.neighbourhoods import neighbour_chance, neighbour_overlap
from w2v_jax.scores.orderings import monotonicity
from w2v_jax.scores.populations import Comparison, apart, benjamini_hochberg, compare
from w2v_jax.scores.reading import read_off, reading_chance
from w2v_jax.scores.representational_similarity import RsaProfile, rsa, rsa_profile
from w2v_jax.scores.saturation import saturated, saturation
from w2v_jax.scores.small_changes import DistanceGrowth, distance_growth
from w2v_jax.scores.temporal import burst_separation, steadiness

__all__ = [
    "BlockScores",
    "Bootstrap",
    "Comparison",
    "DistanceGrowth",
    "LearnedScale",
    "RsaProfile",
    "Score",
    "UndefinedScoreError",
    "abx",
    "apart",
    "beats",
    "benjamini_hochberg",
    "block_decodability",
    "burst_separation",
    "cka",
    "compare",
    "continuity",
    "decodability",
    "difference",
    "distance_growth",
    "equal_steps",
    "invariance",
    "learned_scale",
    "monotonicity",
    "neighbour_chance",
    "neighbour_overlap",
    "read_off",
    "reading_chance",
    "relative_invariance",
    "rsa",
    "rsa_profile",
    "saturated",
    "saturation",
    "scale_fit",
    "shuffled_maps_score",
    "standard_error",
    "steadiness",
    "trustworthiness",
]
