"""What a reader must know of the front ends that were named."""

from collections.abc import Sequence

from .named import PRETRAINED, NamedFrontEnd
from .names import UNTRAINED

EXAMPLE = "facebook/wav2vec2-base"
_ALIKE = 0.999  # a cosine of features above which noise and a tone are told apart by little


def remark(front_ends: Sequence[NamedFrontEnd]) -> str | None:
    """What a reader must know where no encoder has heard speech; None where one may have."""
    ours = [each.name for each in front_ends if each.kind == "trained" and each.source.startswith(PRETRAINED)]
    random = [each.name for each in front_ends if each.kind == "random"]
    may_have_heard = len(ours) + len(random) + sum(each.kind == "spectrogram" for each in front_ends) < len(front_ends)
    if may_have_heard or not (ours or random):
        return None
    if ours:
        more = f" and {len(ours) - 2} more" if len(ours) > 2 else ""
        said = (
            f"NOTE: {', '.join(ours[:2])}{more} learned from synthesised sound and never heard speech "
            f"(weights/README.md). The results\nshow what such training makes of the architecture; they say nothing "
            "about what wav2vec 2.0 has learned. For its weights:\n"
        )
    else:
        said = (
            f"NOTE: {', '.join(random)} is UNTRAINED: its weights are random. The results are a control: they show\n"
            "what the architecture does by itself, and say nothing about what wav2vec 2.0 has learned. For that:\n"
        )
    return said + (
        f"    the same command with --encoders={EXAMPLE} (or --encoders={EXAMPLE},{UNTRAINED} to compare),\n"
        "which fetches 17 MB from the Hugging Face hub, once."
    )


def assumptions(front_ends: Sequence[NamedFrontEnd]) -> list[str]:
    """A line for each encoder whose checkpoint did not state its whole architecture, or asks for other input."""
    lines = [
        f"NOTE: {each.name}: its checkpoint does not state {each.assumed}, which was assumed; "
        "convert it again with --config to settle it."
        for each in front_ends
        if each.assumed
    ]
    return lines + [
        f"NOTE: {each.name}: its checkpoint asks for normalised input (mean 0, variance 1). Synthesised sounds are "
        "given as they are, as in the paper."
        for each in front_ends
        if each.normalize and each.kind == "trained"
    ]


def doubts(front_ends: Sequence[NamedFrontEnd]) -> list[str]:
    """A line for each front end of the user's whose features hardly depend on the sound."""
    return [
        f"NOTE: {each.name}: its features of noise and of a tone have almost the same direction (cosine "
        f"{each.alike:.5f}), so that its cosines say little. Usually that means an offset that all sounds share, such "
        "as that of energies in dB, a front end that expects louder sounds, or one that does not use its input."
        for each in front_ends
        if each.alike is not None and each.alike > _ALIKE
    ]
