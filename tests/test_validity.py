"""What the main scores say of codes whose answer is known is true (benchmarks/validity.py, docs/validity.md)."""

import numpy as np
import pytest

from benchmarks import codes, validity
from experiments.claims.questions import claims_of

CHECKED = (codes.WIDE, codes.RATE, codes.F0_ONLY, codes.LOOKUP, codes.NOISE)


@pytest.mark.parametrize("code", CHECKED, ids=lambda code: code.name)
def test_no_main_score_contradicts_what_a_code_knows(code):
    by_code = {code.name: validity.main_scores(code, "quick")}
    assert validity.contradictions(by_code, [code]) == []
    assert sum(validity.must_of(name, code) is not None for name in by_code[code.name]) >= 12


def test_a_contradiction_is_found():
    told = {codes.RATE.name: {"f0 read off across vowels, cents": 400.0, "CKA with noise": 0.02}}
    (line,) = validity.contradictions(told, [codes.RATE])
    assert line.startswith("f0 read off across vowels, cents of rate: 400; must be")
    assert "(✗ ≤ 104.1)" in validity.table(told, [codes.RATE], ["f0 read off across vowels, cents"])[-1]


def test_the_page_has_every_code_and_main_score_and_no_contradiction():
    page = validity.PAGE.read_text(encoding="utf-8")
    assert "(✗" not in page
    for code in codes.CODES:
        assert f"| {code.name} |" in page
    for by_name in claims_of(validity.SYNTHESES).values():
        for name, question in by_name.items():
            assert not question.leads or f"| {name} |" in page


def tables_of(page):
    """Rows, after the header, of every table under a heading of the third order."""
    parts = f"\n{page}".split("\n### ")[1:]
    return {part.splitlines()[0]: [line for line in part.splitlines() if line.startswith("| ")][1:] for part in parts}


def test_no_table_is_empty_and_every_score_has_its_row():
    written = tables_of(validity.PAGE.read_text(encoding="utf-8"))
    names = {
        name: 0.5 for by_name in claims_of(validity.SYNTHESES).values() for name, each in by_name.items() if each.leads
    }
    moved = {name: validity.Moved(codes.RATE.name, 0.5, 0.25) for name in names}
    made = tables_of(validity.page_text({code.name: names for code in codes.CODES}, codes.CODES, moved))
    assert list(written) == list(made)
    assert all(written.values())
    assert all(made.values())
    rows = [row.split(" | ")[0].removeprefix("| ") for table in made.values() for row in table]
    assert {rows.count(name) for name in names} == {3}  # of both halves of the codes, and of projections


def test_a_projection_keeps_distances():
    points = {"f0": np.geomspace(100, 200, 8), "f1": np.full(8, 500.0), "f2": np.full(8, 1500.0)}
    before, after = (code.features(points) for code in (codes.MIDDLE, codes.MIDDLE.projected()))
    first, second = (np.linalg.norm(each[:1] - each[1:], axis=1) for each in (before, after))
    np.testing.assert_allclose(first, second, rtol=0.25)


def test_the_largest_change_is_told_with_its_code():
    pairs = {"rate": ({"ABX": 1.0, "RSA": None}, {"ABX": 0.9, "RSA": 0.5}), "place": ({"ABX": 0.5}, {"ABX": 0.7})}
    assert validity.most_moved(pairs) == {"ABX": validity.Moved("place", 0.5, 0.7)}
