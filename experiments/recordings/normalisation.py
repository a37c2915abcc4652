"""Whether recordings are given to a front end with mean 0 and variance 1, as some models were trained."""

from collections.abc import Mapping, Sequence
from typing import Literal

from ..front_ends.named import NamedFrontEnd
from ..sentences import listed

Normalise = Literal["auto", "yes", "no"]
CHOICES: tuple[Normalise, ...] = ("auto", "yes", "no")


def chosen(front_ends: Sequence[NamedFrontEnd], how: Normalise) -> dict[NamedFrontEnd, bool]:
    """Whose recordings are normalised: by `"auto"`, of those whose checkpoint says that they were trained so."""
    return {each: how == "yes" or (how == "auto" and each.normalize) for each in front_ends}


def notes(front_ends: Sequence[NamedFrontEnd], normalised: Mapping[NamedFrontEnd, bool]) -> list[str]:
    """Whose recordings are normalised, and where that is not what a checkpoint asks for."""
    told = []
    if names := [each.name for each in front_ends if normalised[each]]:
        told.append(
            f"To {listed(names)} each recording is given with mean 0 and variance 1 (--normalize=no for none). "
            "Synthesised vowels are given as they are, as in the paper: how near a recorded vowel lies to one of them "
            "depends on that, too."
        )
    if names := [each.name for each in front_ends if each.normalize and not normalised[each]]:
        told.append(f"{listed(names)}: trained on sound of mean 0 and variance 1; recordings are given as they are.")
    if {each.normalize for each in front_ends} == {True, False} and set(normalised.values()) == {True, False}:
        names = [each.name for each in front_ends if not normalised[each]]
        told.append(
            f"To {listed(names)} each recording is given as it is, unlike to the others: --normalize=yes, or no, "
            "treats all alike, as a comparison with a control should."
        )
    return told
