"""What a comparison speaks of: one front end, or several trainings of one recipe, which are draws of it."""

import dataclasses
from collections.abc import Sequence

from .named import NamedFrontEnd


@dataclasses.dataclass(frozen=True)
class Population:
    """Front ends that stand for one thing.

    Attributes:
        name: of the group, or of the only front end.
        members: at least one; several are trainings of one recipe.
    """

    name: str
    members: tuple[NamedFrontEnd, ...]

    @property
    def is_group(self) -> bool:
        return len(self.members) > 1


def populations(front_ends: Sequence[NamedFrontEnd]) -> list[Population]:
    """The groups among the front ends, and those that are in none by themselves, in the order given."""
    found: dict[str, list[NamedFrontEnd]] = {}
    for each in front_ends:
        found.setdefault(each.group or each.name, []).append(each)
    return [Population(name, tuple(members)) for name, members in found.items()]
