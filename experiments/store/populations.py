"""What a comparison speaks of: one front end, or several of one recipe, which are draws of it; and its controls."""

import dataclasses
from collections.abc import Iterator, Mapping

from ..front_ends.named import SPECTROGRAMS
from .rows import About, Measurements


@dataclasses.dataclass(frozen=True)
class Population:
    """Front ends that stand for one thing, next to what they are compared with, all by name.

    Attributes:
        name: of the group, or of the only front end.
        members: at least one; several were named as a group.
        kinds: of the members, as in `About`.
        untrained: controls with random weights.
        spectrograms: "log-mel" and "stft", by that.
    """

    name: str
    members: tuple[str, ...]
    kinds: frozenset[str] = frozenset({"trained"})
    untrained: tuple[str, ...] = ()
    spectrograms: Mapping[str, str] = dataclasses.field(default_factory=dict)

    @property
    def is_group(self) -> bool:
        """Whether it has several members."""
        return len(self.members) > 1

    @property
    def counted(self) -> str:
        """How many there are of what: "3 trainings"; random weights are none.

        Examples:
            >>> Population("several", ("a", "b", "c"), frozenset({"random"})).counted
            '3 seeds of random weights'
        """
        what = "trainings"
        if self.kinds & {"random", "spectrogram"}:
            what = "seeds of random weights" if self.kinds == {"random"} else "front ends"
        return f"{len(self.members)} {what}"

    @property
    def told(self) -> str:
        """Its name, and of a group how many of what it has."""
        return f"{self.name} ({self.counted})" if self.is_group else self.name

    @property
    def controls(self) -> tuple[str, ...]:
        """Names of all of them."""
        return (*self.untrained, *self.spectrograms.values())


def populations(measured: Measurements) -> list[Population]:
    """The groups among the front ends that the user named, and those that are in none by themselves."""
    groups: dict[str, list[About]] = {}
    for about in measured.encoders.values():
        if not about.control_of:
            groups.setdefault(about.group or about.name, []).append(about)
    return [_population(name, abouts, measured) for name, abouts in groups.items()]


def alone(measured: Measurements, name: str) -> Population:
    """One front end by itself, whatever group it belongs to."""
    return _population(name, [measured.encoders[name]], measured)


def _population(name: str, abouts: list[About], measured: Measurements) -> Population:
    # Names, not kinds, tell spectrograms apart: those that are controls are called what they are.
    controls = [measured.encoders[each] for each in abouts[0].compared_with if each in measured.encoders]
    return Population(
        name,
        tuple(each.name for each in abouts),
        frozenset(each.kind for each in abouts),
        tuple(each.name for each in controls if each.kind == "random"),
        dict(_spectrograms(controls)),
    )


def _spectrograms(controls: list[About]) -> Iterator[tuple[str, str]]:
    for each in controls:
        if each.kind == "spectrogram":
            yield next(kind for kind in SPECTROGRAMS if each.name.split(".")[0] == kind), each.name
