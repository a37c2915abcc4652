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
            f"Each recording is scaled to mean 0 and variance 1 for {listed(names)} (--normalize=no: for none). "
            "Synthesised vowels are not, as in the paper: this, too, moves recorded vowels away from them."
        )
    if names := [each.name for each in front_ends if each.normalize and not normalised[each]]:
        told.append(f"{listed(names)}: trained on sound of mean 0 and variance 1; recordings are not scaled so.")
    if {each.normalize for each in front_ends} == {True, False} and set(normalised.values()) == {True, False}:
        names = [each.name for each in front_ends if not normalised[each]]
        told.append(
            f"Recordings are not scaled for {listed(names)}, unlike for the others: --normalize=yes, or no, treats all "
            "alike, as a comparison with a control should."
        )
    return told
