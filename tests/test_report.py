"""The page of results: its sentences against known numbers, what it refuses, and what a hostile name may not do."""

import base64
import csv
import datetime
import gzip
import io
import json
import wave

import numpy as np
import pytest
from finished_results import ABOUT, LEARNED, NOTHING, burst, write_results
from safetensors.numpy import save_file

from experiments.front_ends.named import random_encoder, spectrogram
from experiments.measures import map_order
from experiments.page import features_csv, findings, live_maps, page, recorded_map, sections
from experiments.page.finished import EXPERIMENTS, ReportError, read
from experiments.reproduce import __main__ as reproduce
from w2v_jax import source_filter

NOW = datetime.datetime(2026, 1, 2, 3, 4)


@pytest.fixture
def folder(tmp_path):
    return write_results(tmp_path / "r", {"ours": (ABOUT["trained"], LEARNED), "control": (ABOUT["random"], NOTHING)})


def said(folder):
    return {each.experiment: each.text for each in findings.findings(read(folder))}


def test_sentences_say_what_the_numbers_bear(folder):
    found = said(folder)
    assert found["temporal"].endswith(
        "stands out from the frames around it down to 10 ms for ours and down to 100 ms for control."
    )
    assert "leaves pure tones where they are for control and moves them for ours (by up to 0.3)" in found["f0"]
    assert found["f0"].endswith("nearest to Mel for ours and as near to Mel as to Bark for control.")
    assert "with bare sines, 0.70 for ours, more closely than in control (0.40);" in found["formants"]
    assert found["amplitude"].endswith("is 0.50 for ours, less closely than in control (0.70).")
    assert (
        "of 1 diphthongs 100% begin and 100% end so for ours and 100% begin and 0% end so for control"
        in found["diphthongs"]
    )


def test_the_section_of_formants_sets_cka_against_its_baselines(folder):
    path = folder / "formants/metrics.json"
    found = json.loads(path.read_text())
    found["between_encoders"] = {"linear_cka": [{"encoders": ["ours", "control"], "linear_cka": 0.9}]}
    found["baselines"] = [
        {"encoders": ["ours", "log-mel"], "linear_cka": 0.3, "baseline": "front end and log-mel"},
        {"encoders": ["r1", "r2"], "linear_cka": 0.97, "baseline": "random weights and random weights"},
    ]
    path.write_text(json.dumps(found))

    def says(*names):
        (section,) = (each for each in sections.sections(read(folder, names)) if each.id == "formants")
        return section.says[0]

    reach = "two encoders of random weights reach 0.970"
    assert f"linear CKA is 0.900 for ours and control (higher is more alike); for comparison, {reach} and log" in says()
    assert f"of linear CKA (higher is more alike), {reach}." in says("control")


def test_main_scores_are_counted_as_claims_has_them(folder):
    def verdicts(*words):
        return {"bias": {f"score {i}": {"untrained": {"word": word}} for i, word in enumerate(words)}}

    (folder / "claims").mkdir()
    found = json.loads((folder / "f0/metrics.json").read_text()) | {
        "experiment": "claims",
        "questions": {f"bias: score {i}": {"primary": i < 3} for i in range(4)},
        "against": {"ours": verdicts("ahead", "ahead", "behind", "ahead"), "absent": verdicts("ahead")},
        "null_tables": {"ours": {"marked": 1, "compared": 30}},
    }
    (folder / "claims/metrics.json").write_text(json.dumps(found))
    assert said(folder)["claims"] == (
        "Of 3 scores of the paper's claims that were named beforehand, "
        "ours is ahead of random weights in 2 and behind in 1."
    )


def test_overlapping_intervals_are_no_difference(tmp_path):
    measured = {**NOTHING, "amplitude": LEARNED["amplitude"]}
    folder = write_results(tmp_path / "r", {"ours": (ABOUT["trained"], LEARNED), "c": (ABOUT["random"], measured)})
    assert said(folder)["amplitude"].endswith("is 0.50 for ours, as closely as in c (0.50).")


def test_a_burst_that_never_stands_out(tmp_path):
    flat = {**LEARNED, "temporal": {**LEARNED["temporal"], "bursts": [burst(100, 0.2, 0.2), burst(10, 0.2, 0.2)]}}
    folder = write_results(tmp_path / "r", {"flat": (ABOUT["trained"], flat)})
    assert said(folder)["temporal"].endswith("stands out from the frames around it at no length for flat.")


def test_no_sentence_without_its_experiment(folder):
    for experiment in ("temporal", "f0", "amplitude"):
        (folder / experiment / "metrics.json").unlink()
    assert set(said(folder)) == {"formants", "diphthongs"}


def test_the_page_has_sources_versions_and_the_papers_numbers(folder):
    text = page.page(read(folder), now=NOW).html
    assert "What ours hears" in text
    assert "facebook/wav2vec2-base @ abc" in text
    assert "its sample rate" in text
    assert "w2v_jax 1.2.3 and jax 4.5.6" in text
    assert "No control was run" not in text
    assert "to ours (Base)" in text
    assert "ours: stationarity, 0.1 and 0.2 kHz" in text


def test_a_missing_control_is_said(tmp_path):
    folder = write_results(tmp_path / "r", {"ours": (ABOUT["trained"], LEARNED)})
    assert "No control was run in Timing, Frequency and DC offset" in page.page(read(folder), now=NOW).html


def test_reproduce_adds_a_control_where_there_is_none(capsys):
    log_mel, random = spectrogram("log-mel", as_named="log-mel"), random_encoder("untrained", 0)
    assert reproduce.controls_to_add([log_mel]) == []
    assert reproduce.controls_to_add([random]) == []
    trained = random_encoder("mine", 5)
    object.__setattr__(trained, "kind", "trained")
    assert [each.name for each in reproduce.controls_to_add([trained])] == ["random-1"]
    assert "Added random-1 as a control" in capsys.readouterr().out


def test_names_and_sources_cannot_become_script(tmp_path):
    about = {**ABOUT["trained"], "source": "<img src=x onerror=alert(1)>"}
    folder = write_results(tmp_path / "r", {"</script><b>": (about, LEARNED)})
    text = page.page(read(folder), now=NOW).html
    assert "</script><b>" not in text
    assert "<img src=x" not in text
    assert "&lt;/script&gt;&lt;b&gt;" in text
    assert "</script" not in page.data("</script><!-- \u2028")
    assert json.loads(page.data("</script>\u2028")) == "</script>\u2028"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "it cannot be read"),
        ("[]", "not what w2v-jax f0 writes: expected an object, found a list"),
        ('{"encoders": 3}', "not what w2v-jax f0 writes: 'experiment' is missing"),
        ('{"experiment": "f0", "encoders": 3}', "not what w2v-jax f0 writes: 'encoders' is 3"),
    ],
)
def test_a_damaged_file_is_named(folder, text, message):
    (folder / "f0/metrics.json").write_text(text)
    with pytest.raises(ReportError, match=rf"f0/metrics\.json: {message}.*run w2v-jax f0 again"):
        read(folder)


def test_nothing_to_report(tmp_path, folder):
    with pytest.raises(ReportError, match=r"has no results.*run w2v-jax reproduce --output_dir="):
        read(tmp_path / "empty")
    with pytest.raises(
        ReportError, match=r"--encoders=theirs: .* has no results of such; it has those of ours, control"
    ):
        read(folder, ["theirs"])
    assert [each.name for each in read(folder, ["o*"]).encoders] == ["ours"]


def test_what_has_no_room_lies_beside_the_page(tmp_path):
    (tmp_path / "small.csv").write_bytes(b"a")
    (tmp_path / "large.csv").write_bytes(np.random.default_rng(0).bytes(5_000))
    packed, beside = page.pack(tmp_path, ["large.csv", "small.csv", "missing.csv"], room=2_000)
    assert gzip.decompress(base64.b64decode(packed["small.csv"])) == b"a"
    assert beside == ["large.csv"]


def test_a_map_joins_encoders_by_parameters(folder):
    (folder / "f0/pure_tones.ours.map.csv").write_text("frequency,x,y\n100,1,2\n200,3,4\n8000,5,6\n")
    (folder / "f0/pure_tones.control.map.csv").write_text("frequency,x,y\n200,7,8\n100,9,10\n")
    (found,) = live_maps.of_experiment("f0", read(folder))
    x = {each["name"]: np.frombuffer(base64.b64decode(each["x"]), "<f4") for each in found["encoders"]}
    np.testing.assert_array_equal(x["ours"], [1, 3, 5])
    np.testing.assert_array_equal(x["control"], [9, 7, np.nan])
    assert found["silent"] == [2]  # at Nyquist
    assert [each["below"] for each in found["encoders"]] == [[], []]  # results of an earlier version have no such lines
    (folder / "f0/pure_tones.ours.map.csv").write_text("frequency,x\n100,1\n")
    with pytest.raises(ReportError, match=r"pure_tones\.ours\.map\.csv: it has no column 'y'"):
        live_maps.of_experiment("f0", read(folder))


def test_a_map_has_the_lines_of_its_figure(folder):
    path = folder / "f0/metrics.json"
    metrics = json.loads(path.read_text())
    tones = np.linspace(0, 1, 30)
    on_an_arc = np.stack([np.cos(tones), np.sin(tones)], axis=1)
    order = map_order.measure(on_an_arc, on_an_arc, {"frequency": tones})
    metrics["encoders"]["ours"][map_order.KEY] = {"pure_tones": order.as_numbers()}
    path.write_text(json.dumps(metrics))
    for name in ("ours", "control"):
        (folder / f"f0/pure_tones.{name}.map.csv").write_text("frequency,x,y\n100,1,2\n200,3,4\n")
    (found,) = live_maps.of_experiment("f0", read(folder))
    assert [each["below"] for each in found["encoders"]] == [list(map_order.caption(order, sounds="tones")), []]
    assert "near order: 100% of nearest tones kept" in page.page(read(folder), now=NOW).html


def test_harmonics_of_a_vowel_give_its_waveform():
    found = live_maps.harmonics_of(*(np.array([value]) for value in (120.0, 500.0, 1500.0)))
    real, imag = (
        found["scale"] / 32767 * np.frombuffer(base64.b64decode(found[each]), "<i2") for each in ("real", "imag")
    )
    assert len(real) == found["count"] == 66
    time = np.arange(800) / 16_000
    phase = 2 * np.pi * 120 * time[:, None] * np.arange(1, 67)
    waveform = np.cos(phase) @ real + np.sin(phase) @ imag
    expected = source_filter.vowel(120.0, source_filter.with_higher_formants(500.0, 1500.0), duration=0.05)
    np.testing.assert_allclose(waveform, expected, atol=2e-3 * np.abs(expected).max())


def test_recorded_tokens_keep_their_clips(folder):
    (folder / "recordings").mkdir()
    metrics = json.loads((folder / "f0/metrics.json").read_text())
    (folder / "recordings/metrics.json").write_text(json.dumps(metrics | {"experiment": "recordings"}))
    rows = ("/home/me/a.wav,i,0.1,0.2,1,100,,2000,1,2", "/home/me/a.wav,u,0.3,0.4,,,,,3,4")
    table = "\n".join(("file,label,start,end,clip,f0,f1,f2,x,y", *rows, ""))
    (folder / "recordings/recordings.ours.map.csv").write_text(table)
    samples = np.arange(30, dtype=np.int16)
    save_file({"samples": samples, "first": np.array([0, 10, 30])}, folder / "recordings/clips.safetensors")
    found = recorded_map.of_recordings(read(folder), clips=True)
    with wave.open(io.BytesIO(recorded_map.as_wave(samples[10:30]))) as file:
        np.testing.assert_array_equal(np.frombuffer(file.readframes(100), "<i2"), samples[10:])
    first, second = found["sound"]["clips"]
    assert first is not None
    assert second is None
    assert found["texts"][1]["values"] == ["a.wav", "a.wav"]  # no folder of the user's
    assert recorded_map.of_recordings(read(folder), clips=False)["sound"]["clips"] == [None, None]
    assert "ask the speakers before you send it" in page.page(read(folder), now=NOW).html
    assert "ask the speakers" not in page.page(read(folder), now=NOW, clips=False).html


def test_features_for_r(folder):
    features = np.arange(12, dtype=np.float32).reshape(2, 2, 3) / 7
    save_file({"features": features, "f0": np.array([100.0, 120.0], np.float32)}, folder / "f0/steady.ours.safetensors")
    save_file({"positions": np.zeros((2, 2), np.float32)}, folder / "f0/steady.ours.umap.safetensors")
    (path,) = features_csv.write_all(folder)
    with gzip.open(path, "rt", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [(row["f0"], row["frame"]) for row in rows] == [("100", "0"), ("100", "1"), ("120", "0"), ("120", "1")]
    np.testing.assert_array_equal(
        [[np.float32(row[f"c{i}"]) for i in range(3)] for row in rows], features.reshape(4, 3)
    )


def test_every_experiment_has_a_title_and_its_figures():
    assert set(sections.TITLES) == set(sections.FIGURES) == set(EXPERIMENTS)
