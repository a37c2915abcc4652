"""What the main scores say of codes whose answer is known is true (benchmarks/validity.py, docs/validity.md)."""

import numpy as np
import pytest

from benchmarks import codes, validity
from experiments.claims.questions import claims_of

CHECKED = (codes.WIDE, codes.RATE, codes.F0_ONLY, codes.LOOKUP, codes.NOISE)


@pytest.mark.parametrize("code", CHECKED, ids=lambda code: code.name)
def test_no_main_score_contradicts_what_a_code_knows(code):
    found = {code.name: validity.main_scores(code, "quick")}
    assert validity.contradictions(found, [code]) == []
    assert sum(validity.must_of(name, code) is not None for name in found[code.name]) >= 12


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
    for asked in claims_of(("sines",)).values():
        for name, question in asked.items():
            assert not question.leads or f"| {name} |" in page


def test_a_projection_keeps_distances():
    points = {"f0": np.geomspace(100, 200, 8), "f1": np.full(8, 500.0), "f2": np.full(8, 1500.0)}
    before, after = (code.features(points) for code in (codes.MIDDLE, codes.MIDDLE.projected()))
    first, second = (np.linalg.norm(each[:1] - each[1:], axis=1) for each in (before, after))
    np.testing.assert_allclose(first, second, rtol=0.25)
