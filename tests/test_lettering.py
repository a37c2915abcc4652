"""Texts of users in figures and tables: all of them are there, and none is syntax."""

import warnings
import xml.etree.ElementTree as ElementTree

import drawings
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from experiments.draw import figures, lettering, room_for_text
from experiments.store import spreadsheet
from w2v_jax._src.quoting import printable

LONG = [f"wav2vec2-large-xlsr-53-english-{number}" for number in range(12)]
PHONES = [f"AA{number}" for number in range(45)]
NASTY = [r"a$\frac{$b", "_hidden", r"\input{x}^_%#", "two\nlines", "x\x1b[31m\udcff\ufffe", "<b>&amp;--></b>", "ع日🙂"]


def cut(figure):
    """The texts of a figure that are not on it."""
    room_for_text.fit(figure)
    boxes = {text.get_text(): text.get_window_extent() for text in room_for_text.visible_texts(figure)}
    inside = {text for text, box in boxes.items() if room_for_text.holds(figure.bbox, box)}
    return boxes.keys() - inside


def said(figure):
    return "\n".join(text.get_text() for text in room_for_text.visible_texts(figure)).replace("\n", "").replace(" ", "")


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.pages) if name in drawings.SLOW else name for name in drawings.NAMES]
)
def test_no_figure_loses_text(name):
    """All that has a name in it, of many long names, on the figure's own paper: it grew for them."""
    for figure in drawings.draw(name, LONG, labels=PHONES).values():
        assert not cut(figure)
        assert room_for_text.box_of(figure) is None
        for axes in figure.axes:  # there is still something to see
            assert axes.bbox.width > 20 or axes.get_subplotspec() is None
            assert axes.bbox.height > 20 or axes.get_subplotspec() is None


def test_every_label_and_encoder_is_in_the_legend():
    drawn = said(drawings.recorded(LONG[:1], PHONES))
    assert all(label in drawn for label in PHONES)
    drawn = said(drawings.recorded_scores(LONG))
    assert all(name in drawn for name in LONG)
    enormous = ["x" * 250, "a" * 30 + "-" + "b" * 250]
    figure = drawings.recorded_scores(enormous)
    assert not cut(figure)
    assert all(name in said(figure) for name in enormous)


def test_texts_of_thousands_of_letters_leave_a_figure_its_size_and_are_told_apart():
    figure = Figure(figsize=(5.4, 5.6), layout="constrained")
    handles = [Line2D([], [], label="x" * 70_000 + end + "y" * 70_000) for end in "ab"]
    shown = [text.get_text().replace("\n", "") for text in room_for_text.legend(figure, handles).get_texts()]
    assert figure.get_figheight() < 9
    assert shown[0].endswith("y")
    assert shown[1].replace(" ", "").endswith("y(2)")


def test_letters_that_are_not_seen_are():
    shown = [lettering.name(text) for text in ("a", "a\u200b", "\ufeff", "\u0303", "\u0645\u06cc\u200c\u062e")]
    assert shown == ["a", "a\\u200b", "\\ufeff", "\u25cc\u0303", "\u0645\u06cc\u200c\u062e"]


def test_more_labels_than_marks_are_counted():
    words = [f"word{number}" for number in range(120)]
    figure = drawings.recorded(["log-mel"], [*words, *words[20:]])
    assert "the98mostfrequentof120labels" in said(figure)
    assert "word119" in said(figure)
    assert not cut(figure)


def test_texts_of_users_are_letters(tmp_path, capsys):
    shown = [printable(text) for text in NASTY]
    figure = drawings.recorded(NASTY[:2], NASTY)
    names = [*NASTY[:3], printable(NASTY[4]), *NASTY[5:]]  # a front end's name can be kept in a file
    wanted = ("f0: frequency_scale", "formants: vowel_space of all", "formants: cka")
    others = [drawn for name in wanted for drawn in drawings.draw(name, names, symbols=NASTY[:4]).values()]
    capsys.readouterr()  # progress
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for suffix in ("png", "svg", "pdf"):
            figures.save(figure, tmp_path / f"map.{suffix}")
        for place, other in enumerate(others):
            figures.save(other, tmp_path / f"{place}.svg")
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert sorted(legend) == sorted(shown)
    titles = [axes.get_title() for axes in figure.axes]
    assert titles == shown[:2]
    for path in tmp_path.glob("*.svg"):
        ElementTree.parse(path)
    told = capsys.readouterr().err.splitlines()
    assert len(told) <= 1  # letters that no font has, once
    assert all("no installed font has" in line for line in told)


def test_no_text_of_a_figure_has_letters_that_command_a_terminal():
    figure, (axes,) = figures.panels(1, size=(4, 3))
    axes.set_title("a\x1b[2J\u202eb\nc")
    lettering.settle(figure)
    assert axes.get_title() == "a\\x1b[2J\\u202eb\nc"


def test_numbers_of_logarithmic_axes_stay_numbers():
    figure = Figure(layout="constrained")
    axes = figure.subplots()
    axes.loglog([1, 100], [1, 100])
    axes.set_title("5 $ or 6 $")
    room_for_text.fit(figure)
    assert axes.xaxis.get_major_ticks()[0].label1.get_parse_math()
    assert not axes.title.get_parse_math()


def test_names_next_to_an_axis_are_told_apart():
    names = ["x" * 40 + f"{number}" + "y" * 40 for number in range(3)]
    shown, told = lettering.beside_axis([*names, "short"])
    assert len({*shown}) == 4
    assert shown[-1] == "short"
    assert all(full in line for full, line in zip(names, told, strict=True))


@pytest.mark.parametrize(
    "text",
    [
        "=HYPERLINK(A1)",
        "+cmd|' /C calc'!A0",
        "-2+3+cmd|x",
        "@SUM(A1)",
        "\t=f()",
        "\r=f()",
        " =f()",
        "=a!b",
        "＝f（",
        ";=f()",
    ],
)
def test_a_formula_is_text_in_a_table(text):
    (row,) = spreadsheet.csv_text([text], []).splitlines(keepends=False)[:1] or [""]
    assert row.lstrip('";').startswith("'")


@pytest.mark.parametrize("text", ["@", "=n", "r=", "-", "+", "{", "a(b", "-1.5", "l!"])
def test_labels_are_as_they_were(text):
    assert spreadsheet.marked(text) == text


@given(st.lists(st.text(st.sampled_from("'=+-@( |!a\t;\n\",＝")), min_size=1))
def test_tables_are_read_back(cells):
    text = spreadsheet.csv_text(["header"], [cells])
    (_, row) = spreadsheet.rows_of(text.splitlines(keepends=True))
    assert row == cells
