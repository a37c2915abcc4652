"""A small experiment, and a folder of its results with known numbers, for the tests of the page."""

import dataclasses

import numpy as np

from experiments.experiment import Experiment, Figure, Map, Parameter, Published, Recorded
from experiments.hearing import Sweep
from experiments.measures import map_order
from experiments.store import measurements_file, rows
from experiments.store.rows import About, Measurements
from w2v_jax import stimuli
from w2v_jax.grids import Grid

FRAMES = {"sample_rate": 16_000, "receptive_field": 400, "hop": 320}
OURS = About("ours", "trained", "facebook/wav2vec2-base", FRAMES, revision="abc", assumed="its sample rate")
RANDOM = About("random", "random", "untrained: random weights, seed 0", FRAMES)
ADDED = About("log-mel", "spectrogram", "spectrogram: nothing learned", FRAMES, control_of=("ours",))
GRID = Grid("tones", ({"frequency": np.array([100.0, 200.0, 8_000.0])}, {"amplitude": np.linspace(0.1, 0.5, 40)}))


def tone(frequency, amplitude, *, sample_rate):
    return stimuli.sine_mixture([frequency], amplitude, duration=0.1, sample_rate=sample_rate)


def headline(measured):
    told = [f"{measured.value('order', encoder=name):.2f} for {name}" for name in measured.encoders]
    return f"Tones are in order:\n{', '.join(told)}."


def published(measured):
    return [
        Published(name, "order", "0.7", row.value, row.value == 0.7) for name, row in measured.known("order").items()
    ]


def silent(points, measured):
    return [row for row, frequency in enumerate(points["frequency"]) if frequency == 8_000]


RECORDED = Recorded(
    key=("file", "label", "start"),
    texts=lambda table: [{"label": "in", "values": list(table["file"])}],
    label="label",
    background="tones",
    clips="clips.safetensors",
)
RECORD = Experiment(
    name="pitch",
    title="Pitch",
    question="Are tones in order?",
    sweeps=(Sweep("tones", GRID, tone),),
    measure=lambda heard: [],
    headline=headline,
    rule="In order is 1.",
    figures=(
        Figure("order", "Order", "The higher, the farther.", lambda heard, measured: None),
        Figure("all", "All", "Of all.", lambda several, measured: None, joint=True),
    ),
    maps=(
        Map(
            "tones",
            "Tones",
            "Each point is a tone.",
            lambda heard: None,
            parameters=(Parameter("frequency", "Frequency", "Hz"),),
            colour="height",
            colours=lambda points: np.log(points["frequency"]),
            sounds="tones",
            sound=lambda points: {"kind": "sines", "frequencies": ["frequency"], "amplitudes": [1.0]},
            silent=silent,
        ),
        Map(
            "whistles",
            "Whistles",
            "Each point is a whistle.",
            lambda heard: None,
            parameters=(Parameter("f1", "F1", "Hz"),),
            sounds="whistles",
            recorded=RECORDED,
        ),
    ),
    table=("order", "threshold"),
    published=published,
)


def of_encoder(name, order):
    """Its rows: an order with an interval, a threshold of two tones of which one is undefined, and a long curve."""
    own = [
        dataclasses.replace(rows.number("order", order, better="higher"), low=order - 0.1, high=order + 0.1),
        rows.number("threshold", 12.345678, unit="cents", frequency=100),
        rows.number("threshold", None, undefined="no tone is told apart", frequency=200),
        *rows.curve("curve", np.linspace(0, 1, 30), place=np.arange(30)),
    ]
    return [dataclasses.replace(row, encoder=name) for row in own]


def measurements(orders, *, experiment=RECORD.name, **changed):
    """Of front ends, each with its order."""
    every = [row for about, order in orders for row in of_encoder(about.name, order)]
    made_with = {"w2v_jax": "1.2.3", "jax": "4.5.6", "device": "cpu"}
    of = {about.name: about for about, _ in orders}
    given = {"headline": "As it was stored.", "notes": ("A note.",), "made_with": made_with, **changed}
    return Measurements(experiment, tuple(every), of, **given)


USUAL = ((OURS, 0.7), (RANDOM, 0.4), (ADDED, 0.5))


def write_results(folder, measured):
    """`metrics.json` of measurements."""
    (folder / measured.experiment).mkdir(parents=True, exist_ok=True)
    text = measurements_file.json_text(measured)
    (folder / measured.experiment / measurements_file.NAME).write_text(text, encoding="utf-8")
    return folder


def map_rows(name):
    """The rows that stand under a map of tones on an arc, and the order that they say."""
    tones = np.linspace(0, 1, 30)
    on_an_arc = np.stack([np.cos(tones), np.sin(tones)], axis=1)
    order = map_order.measure(on_an_arc, on_an_arc, {"frequency": tones}, sweep="tones")
    return [dataclasses.replace(row, encoder=name) for row in order.rows()], order
