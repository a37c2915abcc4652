"""Rows: what an experiment measured is found again, and read back as it was written."""

import csv
import io
import json
import pathlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.store import measurements_file, rows
from experiments.store.rows import About, Measurements, MissingRowError, Row
from w2v_jax.scores import Score

FRAMES = {"sample_rate": 16_000, "receptive_field": 400, "hop": 320}
NAMES = ("a", "b")
ENCODERS = {
    name: About(name, "trained", "somewhere", FRAMES, step=3, control_of=("a",) * (name == "b")) for name in NAMES
}

texts = st.text(max_size=8)
numbers = st.floats(allow_nan=False, allow_infinity=False)
parameters = st.dictionaries(texts, texts | numbers, max_size=3).map(lambda each: tuple(each.items()))
rows_of_any_kind = st.builds(
    Row,
    quantity=texts,
    value=numbers,
    parameters=parameters,
    low=st.none() | numbers,
    high=st.none() | numbers,
    encoder=st.sampled_from(["", *NAMES]),
    layer=texts,
    unit=texts,
    better=st.sampled_from(["higher", "lower", ""]),
    units=st.none() | st.integers(0, 10**6),
    undefined=texts,
)


@given(st.lists(rows_of_any_kind, max_size=4), texts)
def test_what_is_written_is_read_back(tmp_path_factory, several, text):
    path = tmp_path_factory.getbasetemp() / "metrics.json"
    settings = {"vowels": {text: [1, text]}}
    written = Measurements("f0", tuple(several), ENCODERS, settings, (text,), "quick", {"jax": text}, text)
    path.write_text(measurements_file.json_text(written), encoding="utf-8", errors="surrogatepass")
    assert measurements_file.read(path, "f0") == written
    assert json.loads(path.read_text(encoding="utf-8"))["rows"] is not None


def test_csv_has_a_row_for_each_number_and_says_what_is_undefined():
    several = (
        rows.number("=f(1)", 0.1 + 0.2, unit="Hz", scale="Mel", frequency=440),
        rows.score("rsa", Score(0.5, 0.25, 0.75, 3, None, np.zeros(1))),
        rows.score("rsa", "one point"),
    )
    named = [Row(**{**{name: getattr(row, name) for name in Row.__slots__}, "encoder": "a"}) for row in several]
    pair = Row("cka", 1.0, ((rows.WITH, "b"), ("kind", "linear")), encoder="a")
    text = measurements_file.csv_text(Measurements("f0", (*named, pair), ENCODERS))
    header, first, second, third, last = csv.reader(io.StringIO(text))
    assert tuple(header[:7]) == ("encoder", "layer", "quantity", "parameters", "value", "low", "high")
    assert first[1:] == ["frames", "'=f(1)", "scale=Mel frequency=440", "0.3", "", "", "Hz", "", ""]
    assert second[4:7] == ["0.5", "0.25", "0.75"]
    assert third[4:] == ["", "", "", "", "", "one point"]
    assert last[:5] == ["a and b", "frames", "cka", "kind=linear", "1"]


def test_rows_are_found_by_what_they_are_of():
    matrix = np.array([[1.0, 2.0], [3.0, np.nan]])
    several = rows.curve("cosine", matrix, first=np.array([[10], [20]]), second=[1, 2], undefined="silence")
    measured = Measurements("f0", tuple(Row(**{**_entries(row), "encoder": "a"}) for row in several), ENCODERS)
    np.testing.assert_array_equal(measured.array("cosine", encoder="a"), matrix.ravel())
    assert measured.value("cosine", encoder="a", first=20, second=1) == 3
    assert measured.row("cosine", encoder="a", first=20, second=2).undefined == "silence"
    assert measured.parameter("second", "cosine", encoder="a", first=10) == [1, 2]
    assert measured.row("cosine", encoder="a", first=10, second=1).label == "cosine (first 10, second 1)"
    with pytest.raises(MissingRowError, match="f0 has 2 rows of 'cosine' of a"):
        measured.value("cosine", encoder="a", first=10)
    with pytest.raises(MissingRowError, match="f0 has no row of 'cosine' of b"):
        measured.array("cosine", encoder="b")
    assert (measured.asked, measured.controls) == (["a"], ["b"])


def _entries(row):
    return {name: getattr(row, name) for name in Row.__slots__}


def test_of_some_front_ends_no_number_of_others_stays():
    several = [Row("x", 1.0, encoder=name) for name in ("a", "b", "")] + [
        Row("x", 1.0, ((rows.WITH, "b"),), encoder="a")
    ]
    chosen = Measurements("f0", tuple(several), ENCODERS).of("a")
    assert [row.encoder for row in chosen.rows] == ["a", ""]
    assert list(chosen.encoders) == ["a"]


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_number_that_is_none_is_refused(value):
    with pytest.raises(ValueError, match=r"'x' \{'scale': 'Mel'\}: its value is"):
        rows.number("x", value, scale="Mel")
    with pytest.raises(ValueError, match="no value, and no word on why"):
        rows.number("x", None)


def test_an_absent_file_is_no_damaged_one(tmp_path):
    assert measurements_file.read(pathlib.Path(tmp_path / "metrics.json"), "f0") is None
