"""A folder of results with known numbers, for the tests of the page."""

import json

import numpy as np

from experiments.page import findings

FRAMES = {"sample_rate": 16_000, "receptive_field": 400, "hop": 320}
ABOUT = {
    "trained": {"kind": "trained", "source": "facebook/wav2vec2-base", "revision": "abc", "assumed": "its sample rate"},
    "random": {"kind": "random", "source": "untrained: random weights, seed 0", "revision": None, "assumed": None},
}


def score(value, low, high):
    return {"value": value, "low": low, "high": high, "units": 9}


def learned_scale(mel, bark):
    """By angles; the shares that known scales leave unexplained are as the differences from the paper's curve."""
    fits = {name: score(1 - left, 0.5, 1.0) for name, left in (("Mel", mel), ("Bark", bark), ("Hz", 0.9))}
    return {"saturated": False, "share_of_small_steps": 1.0, "r2": fits, "nearest": "Mel"}


def burst(duration, inside, outside=-1.0):
    cosines = {"to_200_hz": 0.5, "to_800_hz": 0.5 + inside}
    return {
        "burst_fraction": duration / 1000,
        "duration_ms": duration,
        "frames_overlapping": 1,
        "overlaps": [False, True, False],
        "nearer_to_800_hz": [outside, inside, outside],
        "mean_cosine": {"overlapping": cosines, "not_overlapping": cosines},
    }


def scale(mel, bark, hz=0.9):
    differences = {"rms_difference": {"Hz": hz, "Mel": mel, "Bark": bark}}
    return {"without_nyquist": {"published": differences, "corrected": differences}, "with_nyquist": None}


def of_encoder(*, inside, distance, mel, bark, order, amplitude_order, ends):
    """What the five experiments measured of an encoder: numbers of which one can say what must be said."""
    moved = {"frequency": [100], "bias": [0.5], "matrix": [[1 - distance]], "cosine_distance": [[distance]]}
    neighbours = {"mean_adjacent_distance": {"f0": 0.1, "f1": 0.1, "f2": 0.1}}
    towards, away = {"cosine_to_start": 0.9, "cosine_to_end": 0.1}, {"cosine_to_start": 0.1, "cosine_to_end": 0.9}
    return {
        "temporal": {
            "stationarity": {"frequency": [100, 200, 300, 400, 500], "matrix": (0.5 + 0.5 * np.eye(5)).tolist()},
            "bursts": [burst(100, 0.5), burst(10, inside)],
        },
        "f0": {"bias": moved, "frequency_scale": scale(mel, bark), "learned_scale": learned_scale(mel, bark)},
        "formants": {
            "vowel_space_by_f0": neighbours,
            "vowel_map": {kind: {findings.F1_F2: order} for kind in ("sines", "resonances")},
        },
        "amplitude": {
            "mean_adjacent_distance": {"amplitude_low": 0.1, "amplitude_high": 0.1},
            "distance and amplitude distance, Spearman": amplitude_order,
        },
        "diphthongs": {
            "pairs": [
                {"start": "a", "end": "i", "first_tenth": towards, "last_tenth": away if ends else towards},
                {"start": "a", "end": "a", "first_tenth": towards, "last_tenth": towards},
            ]
        },
    }


LEARNED = of_encoder(
    inside=-0.5,
    distance=0.3,
    mel=0.1,
    bark=0.2,
    order=score(0.7, 0.6, 0.8),
    amplitude_order=score(0.5, 0.4, 0.6),
    ends=1,
)
NOTHING = of_encoder(
    inside=-1.0,
    distance=0.001,
    mel=0.1,
    bark=0.11,
    order=score(0.4, 0.3, 0.5),
    amplitude_order=score(0.7, 0.65, 0.8),
    ends=0,
)


def write_results(folder, encoders):
    """`metrics.json` of the five experiments, of encoders by name: what is known of each, and what was measured."""
    for experiment in ("temporal", "f0", "formants", "amplitude", "diphthongs"):
        (folder / experiment).mkdir(parents=True)
        found = {
            "experiment": experiment,
            "quick": False,
            "w2v_jax": "1.2.3",
            "jax": "4.5.6",
            "device": "cpu",
            "conclusion": "",
            "notes": [],
            "encoders": {
                name: {**about, "precision": "float32", "frames": FRAMES, **measured[experiment]}
                for name, (about, measured) in encoders.items()
            },
            "table": [],
        }
        (folder / experiment / "metrics.json").write_text(json.dumps(found), encoding="utf-8")
    return folder


def everything_finished(folder):
    """Results of all experiments, in their shapes, of an encoder called "ours" and one called "control"."""
    write_results(folder, {"ours": (ABOUT["trained"], LEARNED), "control": (ABOUT["random"], NOTHING)})
    common = json.loads((folder / "f0/metrics.json").read_text())
    cell, none = score(0.5, 0.4, 0.6), {"undefined": "one speaker"}
    verdict = {"word": "ahead", "difference": 0.1}
    further = {
        "formants": {
            "between_encoders": {"linear_cka": [{"encoders": ["ours", "control"], "linear_cka": 0.9}]},
            "baselines": [{"encoders": ["ours", "log-mel"], "linear_cka": 0.3, "baseline": "front end and log-mel"}],
        },
        "claims": {
            "conclusion": "ours is ahead.",
            "notes": ["A note."],
            "questions": {"bias: distance": {"primary": True, "over": "offsets", "chance": 0.0, "family": "rank"}},
            "against": {"ours": {"bias": {"distance": {"untrained": verdict}}}},
            "groups": {"recipe": ["ours", "control"]},
            "null_tables": {"ours": {"marked": 1, "compared": 30}},
            "controls": {"log-mel": {"kind": "spectrogram", "scores": {"frames": {"bias": {"distance": cell}}}}},
            "encoders": {
                name: {**ABOUT[kind], "frames": FRAMES, "scores": {"frames": {"bias": {"distance": cell, "f0": none}}}}
                for name, kind in (("ours", "trained"), ("control", "random"))
            },
        },
        "emergence": {
            "table": [{"encoder": "ours", "step": 100, "f0": 0.5}],
            "controls": {"random-1": {"kind": "random", "scores": {"f0": cell}}},
            "encoders": {"ours": {**ABOUT["trained"], "frames": FRAMES, "step": 100, "scores": {"f0": cell}}},
        },
        "recordings": {
            "session": {"files": 2, "labels": ["a", "i"], "left_out": []},
            "encoders": {
                "ours": {
                    **ABOUT["trained"],
                    "frames": FRAMES,
                    "read off, R²": {"f0": cell, "F1": none},
                    "read off, error": {"f0, cents": cell, "F1, cents": none},
                    "nearness to the own synthesised vowel, AUC": {"F1": cell},
                }
            },
        },
    }
    for experiment, found in further.items():
        path = folder / experiment / "metrics.json"
        path.parent.mkdir(exist_ok=True)
        before = json.loads(path.read_text()) if path.exists() else common
        path.write_text(json.dumps(before | {"experiment": experiment} | found), encoding="utf-8")
    return folder
