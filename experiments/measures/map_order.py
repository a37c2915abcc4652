"""What a map's looks do not tell: near and far order of the features, and how far the map is true.

UMAP keeps neighbours only. A map of orderly vowels may be of features whose far order is poor, or the reverse; and a
map may show neighbours where features have none. So every map has these numbers under it, in figures and on the page.
"""

import dataclasses
from collections.abc import Callable, Mapping

import numpy as np

from w2v_jax import scores
from w2v_jax.scores import Bootstrap

from ..store import rows
from ..store.rows import Measurements, Row

MAX_POINTS = 1000  # for neighbours
COUNT = 10  # neighbours of a point
_UNDEFINED = "undefined"
_QUANTITIES = {
    "near_order": "near order: nearest sounds kept",
    "near_order_by_chance": "near order by chance",
    "far_order": "far order: RSA",
    "trustworthiness": "map: trustworthiness",
    "continuity": "map: continuity",
    "shuffled": "map: both, of positions in random order",
    "saturation": "pairs of sounds at the farthest distance",
}
FAR_ORDER = _QUANTITIES["far_order"]


@dataclasses.dataclass(frozen=True)
class MapOrder:
    """The numbers under a map.

    Attributes:
        near_order: `scores.neighbour_overlap` of the features with the parameters.
        near_order_by_chance: what that is for features that know nothing.
        far_order: `scores.rsa` of the same.
        trustworthiness, continuity: of the map, those in `scores`.
        shuffled: what both are of positions in random order.
        saturation: `scores.saturation`.
    """

    near_order: Row
    near_order_by_chance: Row
    far_order: Row
    trustworthiness: Row
    continuity: Row
    shuffled: Row
    saturation: Row

    def rows(self) -> list[Row]:
        """All of them."""
        return [getattr(self, each.name) for each in dataclasses.fields(self)]


def measure(
    features: np.ndarray,
    positions: np.ndarray,
    parameters: Mapping[str, np.ndarray],
    *,
    sweep: str,
    bootstrap: Bootstrap | None = None,
) -> MapOrder:
    """Measures a map and the features that it is of.

    Of more than `MAX_POINTS` points so many are chosen by a seed, and neighbours are those among them; `scores.rsa`
    makes its own choice among all, as it does for the experiments' tables, so that both have the same number.

    Args:
        features: (n, channels).
        positions: (n, 2).
        parameters: (n,) each, of the sounds; those that do not vary are left out.
        sweep: whose map it is.
        bootstrap: as for the scores.
    """
    varying = {name: values for name, values in parameters.items() if np.ptp(values) > 0} or parameters
    chosen = np.arange(len(features))
    if len(features) > MAX_POINTS:
        chosen = np.sort(np.random.default_rng(0).choice(len(features), MAX_POINTS, replace=False))
    of, drawn = features[chosen], positions[chosen]
    of_chosen = {name: values[chosen] for name, values in varying.items()}
    by_name: dict[str, Row] = {}
    for name, score in {
        "near_order": lambda: scores.neighbour_overlap(of, of_chosen, count=COUNT, bootstrap=bootstrap),
        "far_order": lambda: scores.rsa(features, varying, bootstrap=bootstrap),
        "trustworthiness": lambda: scores.trustworthiness(of, drawn, count=COUNT, bootstrap=bootstrap),
        "continuity": lambda: scores.continuity(of, drawn, count=COUNT, bootstrap=bootstrap),
    }.items():
        by_name[name] = rows.score(_QUANTITIES[name], rows.attempted(score), better="higher", map=sweep)
    for name, number in {
        "near_order_by_chance": lambda: scores.neighbour_chance(of_chosen, count=COUNT),
        "shuffled": lambda: scores.shuffled_maps_score(len(chosen), count=COUNT),
        "saturation": lambda: scores.saturation(of),
    }.items():
        by_name[name] = _number(_QUANTITIES[name], number, sweep=sweep)
    return MapOrder(**by_name)


def _number(quantity: str, number: Callable[[], float], *, sweep: str) -> Row:
    try:
        return rows.number(quantity, number(), map=sweep)
    except scores.UndefinedScoreError as error:
        return rows.number(quantity, None, undefined=str(error), map=sweep)


def of(measured: Measurements, encoder: str, sweep: str) -> MapOrder | None:
    """The numbers of a sweep's map among the measurements; None where the experiment drew no such map."""
    by_name = {
        name: next(measured.select(quantity, encoder=encoder, map=sweep), None)
        for name, quantity in _QUANTITIES.items()
    }
    known = {name: row for name, row in by_name.items() if row is not None}
    return MapOrder(**known) if len(known) == len(by_name) else None


def below(
    measured: Measurements, encoder: str, sweep: str, *, sounds: str = "sounds", narrow: bool = False
) -> tuple[str, ...]:
    """The lines under a sweep's map, as `caption` makes them; none where the experiment drew no such map."""
    order = of(measured, encoder, sweep)
    return caption(order, sounds=sounds, narrow=narrow) if order else ()


def caption(order: MapOrder, *, sounds: str = "sounds", narrow: bool = False) -> tuple[str, ...]:
    """Two lines for under the map; three where it is narrow. Where distances are saturated, that is said, too.

    Args:
        order: what was measured.
        sounds: what they are called: "vowels".
        narrow: whether near and far order have a line each.

    Examples:
        >>> known, chance, half = (rows.number("a number", each) for each in (0.6, 0.011, 0.502))
        >>> unknown = rows.number("a number", None, undefined="one point")
        >>> lines = caption(MapOrder(known, chance, known, known, unknown, half, chance), sounds="vowels")
        >>> print(*lines, sep="\\n")
        near order: 60% of nearest vowels kept (chance 1%); far order: RSA 0.60
        the map: trustworthiness 0.60, continuity undefined (shuffled: 0.50)
        undefined: one point
    """
    near = _said(order.near_order, ".0%")
    if near != _UNDEFINED:
        near += f" of nearest {sounds} kept"
    near = f"near order: {near}{_in_brackets('chance', order.near_order_by_chance, '.0%')}"
    far = f"far order: RSA {_said(order.far_order, '.2f')}"
    saturated: tuple[str, ...] = ()
    if order.saturation.value is not None and scores.saturated(order.saturation.value):
        told = f"saturated: the {sounds} are farther apart than the tuning"
        share = f"({order.saturation.value:.0%} of pairs at the farthest distance)"
        saturated = (told, share) if narrow else (f"{told} {share}",)
    return (
        *((near, far) if narrow else (f"{near}; {far}",)),
        f"the map: trustworthiness {_said(order.trustworthiness, '.2f')}, "
        f"continuity {_said(order.continuity, '.2f')}{_in_brackets('shuffled:', order.shuffled, '.2f')}",
        *saturated,
        *_reasons(order),
    )


def short_caption(order: MapOrder) -> tuple[str, ...]:
    """The same numbers in fewer words, for a page that explains them elsewhere.

    Examples:
        >>> known, chance, half = (rows.number("a number", each) for each in (0.6, 0.011, 0.502))
        >>> unknown = rows.number("a number", None, undefined="one point")
        >>> print(*short_caption(MapOrder(known, chance, known, known, unknown, half, chance)), sep="\\n")
        near order 60% (chance 1%), far order 0.60
        trustworthiness 0.60, continuity undefined (chance 0.50)
        undefined: one point
    """
    near = f"near order {_said(order.near_order, '.0%')}{_in_brackets('chance', order.near_order_by_chance, '.0%')}"
    picture = (
        f"trustworthiness {_said(order.trustworthiness, '.2f')}, continuity {_said(order.continuity, '.2f')}"
        f"{_in_brackets('chance', order.shuffled, '.2f')}"
    )
    share = order.saturation.value
    saturated = share is not None and scores.saturated(share)
    return (
        f"{near}, far order {_said(order.far_order, '.2f')}",
        picture,
        *((f"saturated: {share:.0%} of pairs lie at the farthest distance",) if saturated else ()),
        *_reasons(order),
    )


NOTE = (
    f"Under each map: near order is the share of a sound's {COUNT} nearest sounds (more, where some are equally far) "
    "that are its nearest in the features, too; far order is Spearman's correlation, over pairs of sounds, of the "
    "distances in both (RSA). Trustworthiness says whether neighbours on the map are neighbours in the features, and "
    "continuity whether neighbours in the features stay together on the map; both are 1 for a true picture. A map is "
    "saturated where more than half of the pairs of sounds lie within 5% of the farthest distance in the features: "
    "then a low order says nothing against them. UMAP is made to keep neighbours: a map may look orderly where far "
    "order is poor, and the reverse."
)


def note(parameters: str) -> str:
    """What sounds are compared in under the maps of an experiment; `NOTE` says the rest.

    Args:
        parameters: what distances of sounds are in: "f0, F1 and F2 where they vary".
    """
    return f"Under maps, sounds are compared in {parameters}, each divided by its span."


def _reasons(order: MapOrder) -> tuple[str, ...]:
    """A line for each reason why one of the four numbers is undefined."""
    several = (order.near_order, order.far_order, order.trustworthiness, order.continuity)
    reasons = dict.fromkeys(row.undefined for row in several if row.value is None and row.undefined)
    return tuple(f"{_UNDEFINED}: {why}" for why in reasons)


def _said(row: Row, spec: str) -> str:
    return _UNDEFINED if row.value is None else f"{row.value:{spec}}"


def _in_brackets(name: str, row: Row, spec: str) -> str:
    return "" if row.value is None else f" ({name} {row.value:{spec}})"
