"""The page of results: what it says of known numbers, what it refuses, and what a hostile name may not do."""

import base64
import csv
import dataclasses
import datetime
import gzip
import io
import json
import sys
import wave

import numpy as np
import pytest
from finished_results import ADDED, FRAMES, OURS, RANDOM, RECORD, USUAL, map_rows, measurements, write_results
from safetensors.numpy import save_file

from experiments.measures import map_order
from experiments.page import features_csv, live_maps, page, recorded_map, sections
from experiments.page.folder import ReportError, read
from experiments.store.rows import About, number
from experiments.vowels import vowel_maps
from w2v_jax import source_filter

NOW = datetime.datetime(2026, 1, 2, 3, 4)
TONES, WHISTLES = RECORD.maps


@pytest.fixture
def folder(tmp_path):
    return write_results(tmp_path / "r", measurements(USUAL))


def known(folder, *names):
    return read(folder, names, own=[RECORD])


def section(folder, *names):
    (only,) = sections.sections(known(folder, *names))
    return only


def test_a_section_says_what_the_record_says(folder):
    pitch = section(folder)
    assert (pitch.title, pitch.question, pitch.rule) == ("Pitch", "Are tones in order?", "In order is 1.")
    assert pitch.says == ("Tones are in order:", "0.70 for ours, 0.40 for random, 0.50 for log-mel.")
    results, papers = pitch.tables
    assert results.header == ("Quantity", "ours", "random (control)", "log-mel (control)")
    order, threshold = results.groups
    (line,) = order.lines
    assert (order.title, line.label, line.better) == ("", "order", "higher")
    assert line.cells == ("0.70 [0.60, 0.80]", "0.40 [0.30, 0.50]", "0.50 [0.40, 0.60]")
    assert threshold.title == "threshold, cents"
    assert [(line.label, line.cells[0]) for line in threshold.lines] == [
        ("frequency 100", "12.35"),
        ("frequency 200", "undefined"),
    ]
    assert (papers.lines[0].label, papers.lines[0].cells) == ("ours: order", ("0.7", "0.7000000", "agrees"))
    assert papers.lines[1].cells[-1] == "differs"
    assert pitch.notes == ("A note.",)


def test_each_number_has_its_unit_once(folder):
    def of(quantity, unit, at, part):
        return dataclasses.replace(number(quantity, 1.0, unit=unit, of=at, part=part), encoder="ours")

    errors = (of("error", "cents", "f0", "sines"), of("error", "dB", "level", "sines"))
    lengths = (of("length, ms", "ms", "tone", "sines"), of("length, ms", "ms", "vowel", "sines"))

    def told(rows):
        write_results(folder, dataclasses.replace(measurements(USUAL), rows=rows))
        record = dataclasses.replace(RECORD, table=tuple(dict.fromkeys(row.quantity for row in rows)))
        (only,) = sections.sections(read(folder, own=[record]))
        return [(group.title, [line.label for line in group.lines]) for group in only.tables[0].groups]

    assert told(errors) == [("error", ["f0, sines, cents", "level, sines, dB"])]
    assert told(lengths) == [("length, ms", ["tone, sines", "vowel, sines"])]
    claims = [of(name, "cents", "f0", part) for name in ("a, cents", "b", "c") for part in ("sines", "voices")]
    assert told(tuple(claims)) == [
        (f"f0, {part}", ["a, cents", "b, cents", "c, cents"]) for part in ("sines", "voices")
    ]


def test_what_came_out_is_said_of_the_chosen_encoders_and_their_controls(folder):
    assert section(folder, "ours").says[1] == "0.70 for ours, 0.50 for log-mel."
    assert section(folder, "r*").says[1] == "0.40 for random."
    assert [each.name for each in known(folder).encoders] == ["ours", "random"]  # nobody named the other
    assert [each.name for each in known(folder, "o*", "log-mel").encoders] == ["ours", "log-mel"]


def test_an_experiment_whose_record_nobody_gave_has_a_section(folder):
    (folder / "pitch/order.ours.svg").write_text("<svg/>")
    (pitch,) = sections.sections(read(folder))
    assert (pitch.title, pitch.question, pitch.says) == ("pitch", "", ("As it was stored.",))
    (table,) = pitch.tables
    assert [group.title or group.lines[0].label for group in table.groups] == ["order", "threshold, cents"]  # no curve
    ((group,), maps) = pitch.figures, pitch.maps
    assert ([image.svg for image in group.images], maps) == (["pitch/order.ours.svg"], ())
    (random,) = sections.sections(read(folder, ["random"]))
    assert random.figures == ()
    assert "As it was stored." in page.page(read(folder), now=NOW).html


def test_experiments_are_in_order_and_what_is_none_is_passed_over(folder):
    write_results(folder, measurements(USUAL, experiment="another"))
    for name in ("reproduce", "quick", ".hidden"):
        (folder / name).mkdir()
        (folder / name / "metrics.json").write_text("{}")
    (folder / "a file").touch()
    assert [each.name for each in known(folder).parts] == ["pitch", "another"]
    assert [each.name for each in read(folder).parts] == ["another", "pitch"]


def test_figures_go_to_the_encoder_whose_name_is_theirs(tmp_path):
    several = [dataclasses.replace(OURS, name=name) for name in ("a", "b.a", "m:make")]
    folder = write_results(tmp_path / "r", measurements([(each, 0.5) for each in several]))
    for name in ("order.a", "order.b.a", "order.1-women.b.a", "order.m-make", "all", "all.b.a", "all.recipe"):
        (folder / f"pitch/{name}.svg").write_text("<svg/>")

    def images(*names):
        return {image.svg[6:-4]: image.name for group in section(folder, *names).figures for image in group.images}

    of_each = {"order.a": "a", "order.b.a": "b.a", "order.1-women.b.a": "b.a, women", "order.m-make": "m:make"}
    assert images() == {**of_each, "all": "all", "all.b.a": "b.a", "all.recipe": "recipe"}
    assert images("a") == {"order.a": "a", "all": "all", "all.recipe": "recipe"}


def test_of_many_encoders_the_page_has_some_figures(tmp_path):
    many = [(dataclasses.replace(RANDOM if i < 6 else OURS, name=f"e{i}"), 0.5) for i in range(14)]
    folder = write_results(tmp_path / "r", measurements(many))
    for about, _ in many:
        (folder / f"pitch/order.{about.name}.svg").write_text("<svg/>")
    shown = [image.name for image in section(folder).figures[0].images]
    assert shown == ["e6", "e7", "e8", "e9", "e0", "e1", "e2", "e3"]
    assert "the figures of 8 of 14 encoders" in page.page(known(folder), now=NOW).html


def test_the_page_has_sources_versions_and_the_papers_numbers(folder):
    text = page.page(known(folder), now=NOW).html
    assert "What ours hears" in text
    assert "facebook/wav2vec2-base @ abc" in text
    assert "its sample rate" in text
    assert "w2v_jax 1.2.3 and jax 4.5.6" in text
    assert "50 a second, 25 ms each, of 16 kHz" in text
    assert "No control was run" not in text
    assert "to ours (Base)" in text
    first_screen = text.partition('id="encoders"')[0]
    assert "Tones are in order: 0.70 for ours" in first_screen
    assert "<dt>Pitch</dt><dd>In order is 1.</dd>" in first_screen


def test_a_missing_control_is_said(tmp_path):
    folder = write_results(tmp_path / "r", measurements([(OURS, 0.7)]))
    assert "No control was run in Pitch" in page.page(known(folder), now=NOW).html


def test_a_number_that_is_not_there_is_said(folder):
    write_results(folder, dataclasses.replace(measurements(USUAL), rows=(number("another", 1.0),)))
    made = page.page(known(folder), now=NOW)
    (line,) = made.lacks
    assert line.startswith(
        "what came out is not here: pitch/metrics.json does not give it (pitch has no row of 'order'"
    )
    assert line.replace("'", "&#39;") in made.html


def test_names_and_texts_cannot_become_script(tmp_path):
    attack = "</script><b onclick=x>'\""
    about = About(attack, "trained", "<img src=x onerror=alert(1)>", FRAMES, group=attack)
    measured = measurements([(about, 0.7)], notes=(attack,), headline=attack)
    measured = dataclasses.replace(
        measured, rows=(*measured.rows, dataclasses.replace(number(attack, 1.0), encoder=attack))
    )
    folder = write_results(tmp_path / "r", measured)
    record = dataclasses.replace(RECORD, title=attack, rule=attack, table=(attack, "order"))
    for records in ([record], []):
        text = page.page(read(folder, own=records), now=NOW).html
        assert "</script><b" not in text
        assert "<img src=x" not in text
        assert "&lt;/script&gt;&lt;b" in text
    assert "</script" not in page.data("</script><!-- \u2028")
    assert json.loads(page.data("</script>\u2028")) == "</script>\u2028"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "it cannot be read"),
        ("[]", "not what w2v-jax f0 writes: expected an object, found a list"),
        ('{"encoders": 3}', "not what w2v-jax f0 writes: 'experiment' is missing"),
        ('{"experiment": "f0"}', "not what w2v-jax f0 writes: an earlier version wrote it; expected format 2"),
        ('{"experiment": "f0", "format": 3}', "not what w2v-jax f0 writes: 'format' is 3; expected format 2"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(folder, text, message):
    (folder / "f0").mkdir()
    (folder / "f0/metrics.json").write_text(text)
    with pytest.raises(
        ReportError, match=rf"f0/metrics\.json: {message}.*put it right, or move it away and run w2v-jax f0 again"
    ):
        read(folder)


def test_nothing_to_report(tmp_path, folder):
    with pytest.raises(ReportError, match=r"has no results.*run w2v-jax reproduce --output_dir="):
        read(tmp_path / "empty")
    with pytest.raises(
        ReportError, match=r"--encoders=theirs: .* has no results of such; it has those of ours, random, log-mel"
    ):
        read(folder, ["theirs"])


def test_what_has_no_room_lies_beside_the_page(tmp_path):
    (tmp_path / "small.csv").write_bytes(b"a")
    (tmp_path / "large.csv").write_bytes(np.random.default_rng(0).bytes(5_000))
    packed, beside = page.pack(tmp_path, ["large.csv", "small.csv", "missing.csv"], room=2_000)
    assert gzip.decompress(base64.b64decode(packed["small.csv"])) == b"a"
    assert beside == ["large.csv"]


def floats(text):
    return np.frombuffer(base64.b64decode(text), "<f4")


def test_a_map_joins_encoders_by_parameters(folder):
    (folder / "pitch/tones.ours.map.csv").write_text("frequency,x,y\n100,1,2\n200,3,4\n8000,5,6\n")
    (folder / "pitch/tones.random.map.csv").write_text("frequency,x,y\n200,7,8\n100,9,10\n")
    results = known(folder)
    (part,) = results.parts
    live = live_maps.of_part(TONES, part, results)
    x = {each["name"]: floats(each["x"]) for each in live["encoders"]}
    np.testing.assert_array_equal(x["ours"], [1, 3, 5])
    np.testing.assert_array_equal(x["random"], [9, 7, np.nan])
    assert live["silent"] == [2]
    np.testing.assert_allclose(floats(live["values"]["height"]), np.log([100, 200, 8000]), rtol=1e-6)
    assert live["caption"] == "UMAP of 3 tones"
    plain = live_maps.of_part(dataclasses.replace(TONES, parameters=(), colour="", colours=None), part, results)
    assert (plain["parameters"][0]["label"], plain["colour"]["name"]) == ("frequency", "frequency")
    (folder / "pitch/tones.ours.map.csv").write_text("frequency,x\n100,1\n")
    with pytest.raises(ReportError, match=r"tones\.ours\.map\.csv: it has no column 'y'"):
        live_maps.of_part(TONES, part, results)


def test_a_map_has_the_numbers_of_its_figure(folder):
    own, order = map_rows("ours")
    measured = measurements(USUAL)
    write_results(folder, dataclasses.replace(measured, rows=(*measured.rows, *own)))
    for name in ("ours", "random"):
        (folder / f"pitch/tones.{name}.map.csv").write_text("frequency,x,y\n100,1,2\n200,3,4\n")
    (map_,) = section(folder).maps
    assert [each["below"] for each in map_["encoders"]] == [list(map_order.short_caption(order)), []]
    assert "near order 100%" in page.page(known(folder), now=NOW).html


def test_harmonics_of_a_vowel_give_its_waveform():
    harmonics = vowel_maps.resonances({"f0": np.array([120.0]), "f1": np.array([500.0]), "f2": np.array([1500.0])})
    real, imag = (
        harmonics["scale"] / 32767 * np.frombuffer(base64.b64decode(harmonics[each]), "<i2")
        for each in ("real", "imag")
    )
    assert len(real) == harmonics["count"] == 66
    time = np.arange(800) / 16_000
    phase = 2 * np.pi * 120 * time[:, None] * np.arange(1, 67)
    waveform = np.cos(phase) @ real + np.sin(phase) @ imag
    expected = source_filter.vowel(120.0, source_filter.with_higher_formants(500.0, 1500.0), duration=0.05)
    np.testing.assert_allclose(waveform, expected, atol=2e-3 * np.abs(expected).max())


def test_recorded_sounds_keep_their_clips(folder, monkeypatch):
    rows = ("a.wav,i,0.1,1,100,1,2", "a.wav,u,0.3,,,3,4")
    (folder / "pitch/whistles.ours.map.csv").write_text("\n".join(("file,label,start,clip,f1,x,y", *rows, "")))
    samples = np.arange(30, dtype=np.int16)
    save_file({"samples": samples, "first": np.array([0, 10, 30])}, folder / "pitch/clips.safetensors")
    results = known(folder)
    live = recorded_map.of_part(WHISTLES, results.parts[0], results, clips=True)
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "soundfile", None)  # as where it is not installed
        encoded = recorded_map.encoded(samples[10:30], 16_000)
    with wave.open(io.BytesIO(encoded)) as file:
        assert (file.getframerate(), file.getnchannels()) == (16_000, 1)
        np.testing.assert_array_equal(np.frombuffer(file.readframes(100), "<i2"), samples[10:])
    first, second = live["sound"]["clips"]
    assert first is not None
    assert second is None
    assert live["caption"] == "UMAP of 2 whistles; 1 of them can be heard"
    assert live["colour"]["labels"] == ["i", "u"]
    assert np.isnan(floats(live["values"]["f1"])[1])
    without = recorded_map.of_part(WHISTLES, results.parts[0], results, clips=False)
    assert without["sound"] == {"kind": "none"}
    assert "ask the speakers before you send it" in page.page(results, now=NOW).html
    assert "ask the speakers" not in page.page(results, now=NOW, clips=False).html


def test_features_for_r(folder):
    features = np.arange(12, dtype=np.float32).reshape(2, 2, 3) / 7
    steady = {"features": features, "f0": np.array([100.0, 120.0], np.float32)}
    save_file(steady, folder / "pitch/steady.ours.safetensors")
    save_file({"positions": np.zeros((2, 2), np.float32)}, folder / "pitch/steady.ours.umap.safetensors")
    save_file(steady, folder / f"pitch/steady.{ADDED.name}.safetensors")  # nobody named it
    (path,) = features_csv.write_all(folder)
    with gzip.open(path, "rt", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [(row["f0"], row["frame"]) for row in rows] == [("100", "0"), ("100", "1"), ("120", "0"), ("120", "1")]
    np.testing.assert_array_equal(
        [[np.float32(row[f"c{i}"]) for i in range(3)] for row in rows], features.reshape(4, 3)
    )
