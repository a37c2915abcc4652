"""What the flags of `recordings` say, checked."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from w2v_jax._src.quoting import printable
from w2v_jax.praat import PraatSettings
from w2v_jax.recordings import Channel

from ..vowels.synthesis import SYNTHESES, Synthesis
from .normalisation import Normalise
from .session import SessionError, SpeakerBy, channel_of
from .tiers import STAR


@dataclasses.dataclass(frozen=True)
class Choice:
    """Which recordings are heard, and how.

    Attributes:
        audio: sound files: paths, patterns, folders.
        tier: of the TextGrids, that has the tokens.
        labels: those of the tier that are used; by default all.
        speaker_by: what tells speakers apart.
        channel: which is heard of each file.
        trigraphs: labels have Praat's trigraphs.
        normalize: whether recordings are given to front ends with mean 0 and variance 1.
        synthesis: how the vowels are made that recorded ones are compared with.
        praat: its settings.
    """

    audio: tuple[str, ...]
    tier: str | None = None
    labels: tuple[str, ...] = ()
    speaker_by: SpeakerBy = "file"
    channel: Channel = "mean"
    trigraphs: bool = False
    normalize: Normalise = "auto"
    synthesis: Synthesis = "resonances"
    praat: PraatSettings = dataclasses.field(default_factory=PraatSettings)

    @property
    def speakers_told_by(self) -> str:
        """What tells speakers apart, where the tier may, too."""
        return "tier" if self.tier is not None and STAR in self.tier else self.speaker_by


def choice_of(options: Mapping[str, Any]) -> Choice:
    """What the flags say, by name; one that is None or missing has its default.

    Raises:
        SessionError: two of them do not go together, or one makes no sense.
    """
    given = {name: value for name, value in options.items() if value is not None}
    tier, labels, trigraphs = given.get("textgrid_tier"), tuple(given.get("labels", ())), given.get("trigraphs", False)
    if labels and tier is None:
        raise SessionError(f"--labels={printable(','.join(labels))} without --textgrid_tier; expected both or none")
    if trigraphs and tier is None:
        raise SessionError("--trigraphs without --textgrid_tier; expected both or none")
    if tier is not None and STAR in tier and "speaker_by" in given:
        raise SessionError(
            f"--speaker_by={given['speaker_by']} with --textgrid_tier={printable(tier)}, whose star is the speaker; "
            "expected one of them"
        )
    synthesis = given.get("synthesis", "resonances")
    if synthesis not in SYNTHESES:
        raise SessionError(
            f"--synthesis={synthesis}; expected one of {' or '.join(SYNTHESES)}, to compare recorded vowels with"
        )
    return Choice(
        audio=tuple(given.get("audio", ())),
        tier=tier,
        labels=labels,
        speaker_by=given.get("speaker_by", "file"),
        channel=channel_of(given.get("channel", "mean")),
        trigraphs=trigraphs,
        normalize=given.get("normalize", "auto"),
        synthesis=synthesis,
        praat=_praat(given),
    )


def _praat(given: Mapping[str, Any]) -> PraatSettings:
    names = {each.name for each in dataclasses.fields(PraatSettings)}
    try:
        return PraatSettings(**{name: value for name, value in given.items() if name in names})
    except ValueError as error:
        raise SessionError(f"--{error}") from error
