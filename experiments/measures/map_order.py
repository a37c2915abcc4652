"""What a map's reader must know beside its looks: near and far order of the features, and how far the map is true.

UMAP keeps neighbours only. A map of orderly vowels may be of features whose far order is poor, or the reverse; and a
map may show neighbours that there are none. So every map has these numbers under it, in figures and on the page.
"""

import dataclasses
import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from w2v_jax import scores
from w2v_jax._src.quoting import quote

from ..store import cells
from ..store.metrics import Metrics

KEY = "map_order"  # of a front end's metrics: by sweep, what is measured here
MAX_POINTS = 1000  # for neighbours
COUNT = 10  # neighbours of a point
_UNDEFINED = "undefined"


@dataclasses.dataclass(frozen=True)
class MapOrder:
    """The numbers under a map, as JSON has them: a score's value and interval, or why it is undefined.

    Attributes:
        near_order: `scores.neighbour_overlap` of the features with the parameters.
        near_order_by_chance: what that is for features that know nothing; None where it is undefined.
        far_order: `scores.rsa` of the same.
        trustworthiness, continuity: of the map, those in `scores`.
        shuffled: what both are of positions in random order; None where they are undefined.
        saturation: `scores.saturation`; None where it is undefined, and in results of an earlier version.
    """

    near_order: Mapping[str, Any]
    near_order_by_chance: float | None
    far_order: Mapping[str, Any]
    trustworthiness: Mapping[str, Any]
    continuity: Mapping[str, Any]
    shuffled: float | None
    saturation: float | None = None

    def as_numbers(self) -> Metrics:
        """For `metrics.json`."""
        return dataclasses.asdict(self)


def measure(features: np.ndarray, positions: np.ndarray, parameters: Mapping[str, np.ndarray]) -> MapOrder:
    """Measures a map and the features that it is of.

    Of more than `MAX_POINTS` points so many are chosen by a seed, and neighbours are those among them; `scores.rsa`
    makes its own choice among all, as it does for the experiments' tables, so that both have the same number.

    Args:
        features: (n, channels).
        positions: (n, 2).
        parameters: (n,) each, of the sounds; those that do not vary are left out.
    """
    varying = {name: values for name, values in parameters.items() if np.ptp(values) > 0} or parameters
    chosen = np.arange(len(features))
    if len(features) > MAX_POINTS:
        chosen = np.sort(np.random.default_rng(0).choice(len(features), MAX_POINTS, replace=False))
    of, drawn = features[chosen], positions[chosen]
    of_chosen = {name: values[chosen] for name, values in varying.items()}
    near = cells.attempted(lambda: scores.neighbour_overlap(of, of_chosen, count=COUNT))
    return MapOrder(
        near_order=cells.number(near),
        near_order_by_chance=_known(lambda: scores.neighbour_chance(of_chosen, count=COUNT)),
        far_order=cells.number(cells.attempted(lambda: scores.rsa(features, varying))),
        trustworthiness=cells.number(cells.attempted(lambda: scores.trustworthiness(of, drawn, count=COUNT))),
        continuity=cells.number(cells.attempted(lambda: scores.continuity(of, drawn, count=COUNT))),
        shuffled=_known(lambda: scores.shuffled_maps_score(len(chosen), count=COUNT)),
        saturation=_known(lambda: scores.saturation(of)),
    )


def _known(number: Callable[[], float]) -> float | None:
    try:
        return number()
    except scores.UndefinedScoreError:
        return None


def of_metrics(found: Mapping[str, Any], sweep: str) -> MapOrder | None:
    """The numbers of a sweep's map in a front end's metrics; None where results are of an earlier version.

    Raises:
        ValueError: there are some, and they are not what `as_numbers` has.
    """
    of_sweeps = found.get(KEY, {})
    if isinstance(of_sweeps, Mapping) and sweep not in of_sweeps:
        return None
    numbers = of_sweeps[sweep] if isinstance(of_sweeps, Mapping) else None
    later = {"saturation": None}  # results of an earlier version lack it
    names = {each.name for each in dataclasses.fields(MapOrder)}
    if not isinstance(numbers, Mapping) or names - later.keys() - numbers.keys():
        raise ValueError(f"its {KEY!r} of {sweep} is not {', '.join(sorted(names))}")
    numbers = {**later, **numbers}
    for name in sorted(names):
        is_chance = name in ("near_order_by_chance", "shuffled", "saturation")
        said = numbers[name]
        good = (said is None or _is_number(said)) if is_chance else _is_cell(said)
        if not good:
            raise ValueError(f"its {KEY!r} of {sweep} has {quote(said, 40)} for {name!r}; expected a number")
    return MapOrder(**{name: numbers[name] for name in names})


def _is_cell(said: object) -> bool:
    return isinstance(said, Mapping) and (_is_number(said.get("value")) or isinstance(said.get("undefined"), str))


def _is_number(said: object) -> bool:
    return isinstance(said, int | float) and not isinstance(said, bool) and math.isfinite(said)


def caption(order: MapOrder, *, sounds: str = "sounds", narrow: bool = False) -> tuple[str, ...]:
    """Two lines for under the map; three where it is narrow. Where distances are saturated, that is said, too.

    Args:
        order: what was measured.
        sounds: what they are called: "vowels".
        narrow: whether near and far order have a line each.

    Examples:
        >>> known = {"value": 0.6}
        >>> for line in caption(MapOrder(known, 0.011, known, known, {"undefined": "..."}, 0.502), sounds="vowels"):
        ...     print(line)
        near order: 60% of nearest vowels kept (chance 1%); far order: RSA 0.60
        the map: trustworthiness 0.60, continuity undefined (shuffled: 0.50)
    """
    near = _said(order.near_order, ".0%")
    if near != _UNDEFINED:
        near += f" of nearest {sounds} kept"
    near = f"near order: {near}{_beside('chance', order.near_order_by_chance, '.0%')}"
    far = f"far order: RSA {_said(order.far_order, '.2f')}"
    saturated: tuple[str, ...] = ()
    if order.saturation is not None and scores.saturated(order.saturation):
        told = f"saturated: the {sounds} are farther apart than the tuning"
        share = f"({order.saturation:.0%} of pairs at the farthest distance)"
        saturated = (told, share) if narrow else (f"{told} {share}",)
    return (
        *((near, far) if narrow else (f"{near}; {far}",)),
        f"the map: trustworthiness {_said(order.trustworthiness, '.2f')}, "
        f"continuity {_said(order.continuity, '.2f')}{_beside('shuffled:', order.shuffled, '.2f')}",
        *saturated,
    )


def note(parameters: str) -> str:
    """What the lines under a map mean, for an experiment's notes.

    Args:
        parameters: what distances of sounds are in: "f0, F1 and F2 where they vary".
    """
    return (
        f"Under each map: near order is the share of a sound's {COUNT} nearest sounds (or more, where some are equally "
        f"far) in {parameters}, each divided by its span, that are also its nearest in the features; far order is "
        "Spearman's correlation, over pairs of sounds, of the distances in both. Of the map itself, trustworthiness "
        "says whether the neighbours that it shows are neighbours in the features, and continuity whether it keeps "
        "theirs together; both are 1 for a true picture. Where more than half of the pairs of sounds lie within 5% of "
        "the farthest distance in the features, a line says that they are farther apart than the tuning: then a low "
        "order says nothing against the features. UMAP is made to keep neighbours: a map may look orderly where "
        "far order is poor, and the reverse."
    )


def _said(cell: Mapping[str, Any], spec: str) -> str:
    return f"{cell['value']:{spec}}" if "value" in cell else _UNDEFINED


def _beside(name: str, value: float | None, spec: str) -> str:
    return "" if value is None else f" ({name} {value:{spec}})"
