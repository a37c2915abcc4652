"""Section 3.2 of the paper: steady sounds and short changes.

Writes the sweeps `stationarity` and `bursts` (frame by frame) and `burst_tones`, the stationarity heat map, the example
burst, six bursts frame by frame, and the paper's UMAP picture of them.
"""

from collections.abc import Iterable, Sequence

from w2v_jax import projection
from w2v_jax.front_end import Frames

from ..experiment import Experiment, Figure, Map, Published
from ..front_ends.paper import model_of, prints_as
from ..hearing import Heard, Sweep
from ..launch import flags
from ..sentences import compared, listed
from ..store.rows import Measurements
from . import figures
from .measuring import (
    BURST_TONES,
    BURSTS,
    COSINE,
    DURATION,
    LEAST_DIFFERENCE,
    MEAN_COSINE,
    ONE_FRAME,
    OTHERS,
    OVERLAPPING,
    SHORTEST,
    SHORTEST_TRIED,
    STATIONARITY,
    STEADIEST,
    ZEROS,
    burst,
    duration_ms,
    measure,
    tone,
)

# Section 3.2, first figure: Base, 100 ... 500 Hz. Numbers are kept as printed: their digits matter.
PUBLISHED = (
    ("1", "0.36", "0.25", "0.14", "-0.076"),
    ("0.36", "1", "0.15", "0.039", "-0.23"),
    ("0.25", "0.15", "1", "0.37", "0.22"),
    ("0.14", "0.039", "0.37", "1", "0.32"),
    ("-0.076", "-0.23", "0.22", "0.32", "1"),
)


def headline(measured: Measurements) -> str:
    """How steady tones are, and how short a burst stands out."""
    parts = []
    steadiest = {name: row.value for name, row in measured.known(STEADIEST).items() if row.value is not None}
    if steadiest:
        said = compared(steadiest, better="higher", means="steadier")
        parts.append(f"The frames of a steady tone agree with their mean by a cosine of at least {said}.")
    stands_out: dict[str, list[str]] = {}
    of_one_frame = []
    for row in measured.select(SHORTEST):
        if row.undefined == ONE_FRAME:
            of_one_frame.append(row.encoder)
            continue
        length = "at no length" if row.value is None else f"down to {row.value:g} ms"
        stands_out.setdefault(length, []).append(row.encoder)
    if stands_out:
        base, burst_tone = BURST_TONES.axis("frequency")
        tried = ", ".join(f"{length:g}" for length in sorted(map(duration_ms, BURSTS.axis("burst_fraction"))))
        told = listed([f"{length} for {listed(names)}" for length, names in stands_out.items()])
        parts.append(
            f"A burst of {burst_tone:g} Hz in a tone of {base:g} Hz stands out {told} (lengths tried: {tried} ms)."
        )
    if of_one_frame:
        parts.append(f"Neither can be asked of {listed(of_one_frame)}, with one frame a sound.")
    return " ".join(parts)


RULE = (
    "A burst moves the frames that overlap it from the direction of the tone towards that of the burst (by cosines). "
    f"It stands out if their mean moves more than any other frame of the sound, by more than {LEAST_DIFFERENCE:g}, "
    "and if all longer bursts stand out, too."
)


def notes(several: Sequence[Heard], measured: Measurements) -> list[str]:
    """What the frames of the front ends make of the sounds."""
    zeros = {name: row.value for name, row in measured.known(ZEROS).items() if row.value}
    return [
        *phases_seen(several),
        *(
            f"{each.name} makes one frame of {DURATION:g} s. So the steadiness of a tone is undefined, the diagonal of "
            "its stationarity figure is 1 by construction, every frame overlaps the burst, and a map of bursts is "
            f"missing: UMAP needs {projection.LEAST_POINTS} points."
            for each in several
            if each.frames.num_frames(round(DURATION * each.frames.sample_rate)) == 1
        ),
        *(
            f"{name}: {count:g} frames are vectors of zeros. They have no direction and are left out of the mean "
            "cosines."
            for name, count in zeros.items()
        ),
    ]


def phases_seen(several: Iterable[Heard]) -> list[str]:
    """What the frame rates of the front ends make of the tones."""
    by_frames: dict[Frames, list[str]] = {}
    for each in several:
        by_frames.setdefault(each.frames, []).append(each.name)
    said = []
    for frames, names in by_frames.items():
        phases = {float(hertz): frames.phases(hertz) for hertz in STATIONARITY.axis("frequency")}
        if set(phases.values()) == {1}:
            said.append(
                f"The tones of the stationarity figure are multiples of {frames.rate:g} Hz, the frame rate of "
                f"{listed(names)}: all frames of a tone see the same phase, so these tones are stationary by "
                "construction. At other frequencies the frames cycle through phases."
            )
        else:
            cycles = ", ".join(f"{count} at {hertz:g} Hz" for hertz, count in phases.items())
            said.append(
                f"At {frames.rate:g} frames a second ({listed(names)}), the frames of a tone in the stationarity "
                f"figure see this many different phases: {cycles}."
            )
    return said


def published(measured: Measurements) -> list[Published]:
    """The paper's matrix next to that of its model Base, two significant digits, of which 0.996 is a "1"."""
    compared_with = []
    for name, about in measured.encoders.items():
        if model_of(about.source) != "Base":
            continue
        printed = [cell for line in PUBLISHED for cell in line]
        for row, cell in zip(measured.select(COSINE, encoder=name), printed, strict=True):
            if row.value is None:
                continue
            tones = dict(row.parameters)
            khz, of_khz = (float(tones[each]) / 1000 for each in ("frequency", "frames_of"))
            agrees = prints_as(row.value, cell, digits=2)
            quantity = f"stationarity, {khz:g} and {of_khz:g} kHz"
            compared_with.append(Published(name, quantity, cell, row.value, agrees))
    return compared_with


EXPERIMENT = Experiment(
    name="temporal",
    title="Timing",
    question="Does a steady sound give steady frames, and how short a change do they show?",
    in_paper=True,
    sweeps=(
        Sweep(STATIONARITY.name, STATIONARITY, tone, pooling="none"),
        Sweep(BURST_TONES.name, BURST_TONES, tone),
        Sweep(BURSTS.name, BURSTS, burst, pooling="none"),
    ),
    measure=measure,
    headline=headline,
    rule=RULE,
    figures=(
        Figure(
            "bursts",
            "Bursts of 800 Hz in a tone of 200 Hz",
            "Each dot is a frame: above zero it is nearer to the burst's tone, below to the tone around it. A burst "
            "stands out where the triangles lie apart from the dots; they need not cross zero.",
            figures.draw_bursts,
            wide=True,
        ),
        Figure(
            "stationarity",
            "Steady tones",
            "Each cell compares the mean of a tone (row) with the frames of a tone (column), by cosine. 1 on the "
            "diagonal: a steady tone is steady. Low values elsewhere: tones are told apart.",
            figures.draw_stationarity,
        ),
        Figure(
            "bursts_map",
            "The paper's picture of the bursts",
            "Each panel maps the frames of one sound. Orange triangles near the orange circle are frames close to the "
            "burst's tone.",
            figures.draw_bursts_map,
            folded=True,
        ),
        Figure(
            "example_burst",
            "What a burst is",
            "The waveform of such a sound.",
            figures.draw_example,
            joint=True,
            folded=True,
        ),
    ),
    maps=(
        Map(
            BURSTS.name,
            "Bursts",
            "The frames of each burst, and the two tones averaged over time; each burst has a map of its own.",
            figures.place_bursts,
            on_page=False,
        ),
    ),
    table=(
        STEADIEST,
        OTHERS,
        (MEAN_COSINE, {"burst_ms": SHORTEST_TRIED, "frames": OVERLAPPING}),
        SHORTEST,
    ),
    notes=notes,
    published=published,
)


if __name__ == "__main__":
    flags.launch(EXPERIMENT)
