"""TextGrids are read as Praat reads them, in all its formats; what is no TextGrid is told so in a line."""

import unicodedata

import parselmouth
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from parselmouth.praat import call

from experiments.recordings import session, tiers
from w2v_jax import textgrids
from w2v_jax._src import trigraphs
from w2v_jax.recordings import Recording
from w2v_jax.textgrids import TextGridError

TEXTS = st.text('aɪãé"!<>\\ \t0-+.,/=[]$%\u0303\u00a0\n\U0001d53d', max_size=6)


@st.composite
def praats(draw):
    """A TextGrid of Praat's, of tiers of intervals and of points."""
    end = draw(st.sampled_from([1.0, 3.6, 1 / 3, 100.123456789]))
    start = draw(st.sampled_from([0.0, -1.0, 0.25]))
    names = [f"t{number}" for number in range(draw(st.integers(1, 3)))]
    grid = parselmouth.TextGrid(start, end, " ".join(names), draw(st.sampled_from(["", names[-1]])))
    for number, name in enumerate(names, 1):
        # Chronological text has the name in a comment, which a line's end would end.
        call(grid, "Set tier name", number, draw(TEXTS).replace("\n", " ") or name)
        is_interval = call(grid, "Is interval tier", number)
        times = sorted(draw(st.sets(st.integers(1, 98), max_size=4)))
        for time in (start + each / 99 * (end - start) for each in times):
            if is_interval:
                call(grid, "Insert boundary", number, time)
            else:
                call(grid, "Insert point", number, time, draw(TEXTS))
        for interval in range(1, len(times) + 2) if is_interval else ():
            call(grid, "Set interval text", number, interval, draw(TEXTS))
    return grid


def as_praat_has_it(grid):
    def ask(question, *about):
        return call(grid, question, *about)

    tier_list = []
    for tier in range(1, ask("Get number of tiers") + 1):
        kind = "interval" if ask("Is interval tier", tier) else "point"
        questions = ("Get start time of interval", "Get end time of interval")
        questions = questions if kind == "interval" else ("Get time of point",) * 2
        numbers = range(1, ask(f"Get number of {kind}s", tier) + 1)
        labels = [unicodedata.normalize("NFC", ask(f"Get label of {kind}", tier, number)).strip() for number in numbers]
        entries = [
            (label, *(ask(question, tier, number) for question in questions))
            for number, label in zip(numbers, labels, strict=True)
            if label
        ]
        tier_list.append((unicodedata.normalize("NFC", ask("Get tier name", tier)), entries))
    return ask("Get start time"), ask("Get end time"), tier_list


@pytest.mark.parametrize("form", ["text", "short text", "chronological text", "binary"])
@settings(max_examples=25, deadline=None)
@given(grid=praats())
def test_what_praat_writes_is_read_as_praat_reads_it(tmp_path_factory, form, grid):
    path = tmp_path_factory.getbasetemp() / "any.TextGrid"
    call(grid, f"Save as {form} file", str(path))
    textgrid = textgrids.read_textgrid(path)
    ours = [(tier.name, [(each.label, each.start, each.end) for each in tier.intervals]) for tier in textgrid.tiers]
    assert (textgrid.start, textgrid.end, ours) == as_praat_has_it(parselmouth.read(str(path)))


def short(*intervals, start=0.0, end=1.0, tier="vowels"):
    """The short text of one or several tiers."""
    tiers_of = tier if isinstance(tier, dict) else {tier: intervals}
    lines = ['File type = "ooTextFile"', 'Object class = "TextGrid"', "", start, end, "<exists>", len(tiers_of)]
    for name, entries in tiers_of.items():
        lines += ['"IntervalTier"', f'"{name}"', start, end, len(entries)]
        lines += [line for first, last, label in entries for line in (first, last, f'"{label}"')]
    return "\n".join(map(str, lines)) + "\n"


GOOD = short((0.1, 0.3, "ɪ"), (0.3, 0.5, "ö"))


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (GOOD.replace("0.3", "0,3").encode(), r"line 14: a time of .* is '0,3', with a decimal comma"),
        (GOOD.replace("ɪ", "“i”").encode("cp1252"), "line 15 has the byte 0x93: it is neither UTF-8 nor Latin-1"),
        (GOOD.encode().replace("ö".encode(), b"\xf6"), "line 18 has the byte 0xf6, which is not UTF-8, as the rest is"),
        (GOOD.encode() + bytes(9), "it has 9 null bytes"),
        (GOOD.replace('"ɪ"', '"ɪ"x"').encode(), "line 15: a quotation mark is not closed"),
        (GOOD.replace("0.1", "0.9").encode(), r"ends at 0.3 s, before it begins, at 0.9 s"),
        (GOOD.replace("\n2\n", "\n3\n").encode(), "it ends where a time of entry 3 of 3 of tier 'vowels' is expected"),
        (GOOD.replace("\n2\n", "\n1\n").encode(), "line 16: '0.3' follows where the TextGrid should end"),
        (GOOD.replace('"TextGrid"', '"Collection"').encode(), "it holds a 'Collection'; expected a TextGrid"),
        (GOOD.replace("0.1", "--undefined--").encode(), "is '--undefined--'; expected a number"),
        (GOOD.replace("0.5", "1e999").encode(), "is '1e999'; expected a number"),
        (b"<!DOCTYPE html>", "it begins with '<!DOCTYPE html>'"),
        (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        (
            b"ooBinaryFile\x08TextGrid" + bytes(16) + b"\x01\x7f\xff\xff\xff",
            "tiers is 2,147,483,647, more than",
        ),
        (b"ooBinaryFile\x08TextGrid" + bytes(5), "it is binary, and ends too early"),
        (b"ooBinaryFile\x08TextGrid" + b"\xff" * 16, "xmin is nan"),
        (b"", "the file is empty"),
    ],
)
def test_what_is_no_textgrid_is_told_so_in_a_line(tmp_path, data, said):
    (tmp_path / "a.TextGrid").write_bytes(data)
    with pytest.raises(TextGridError, match=said) as caught:
        textgrids.read_tier(tmp_path / "a.TextGrid", "vowels")
    assert "a.TextGrid: " in str(caught.value)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("data", "assumed"),
    [
        (GOOD.encode(), ()),
        (GOOD.encode("utf-16"), ()),
        (GOOD.encode("utf-16-le"), ("it is UTF-16 without a byte order mark",)),
        (GOOD.encode("utf-16-be"), ("it is UTF-16 without a byte order mark",)),
        (
            GOOD.replace("ɪ", "i").encode("latin-1"),
            ("line 18 has the byte 0xf6, so it is not UTF-8; it is read as Latin",),
        ),
    ],
)
def test_encodings(data, assumed):
    read = textgrids.parsed(data)
    assert [each.label for each in read.tiers[0].intervals][1] == "ö"
    assert len(read.assumed) == len(assumed)
    assert all(line.startswith(start) for line, start in zip(read.assumed, assumed, strict=True))


@pytest.fixture
def tokens_of(tmp_path):
    """The tokens of a TextGrid of one second of sound."""

    def read(text, tier="vowels", labels=(), **options):
        (tmp_path / "zoë.TextGrid").write_text(text, encoding="utf-8")
        recording = Recording(tmp_path / unicodedata.normalize("NFD", "zoë.wav"), "", 16_000, 1, 16_000, 0.5, 0, 1)
        return session.tokens_of(recording, tier, labels, **options)

    return read


def test_times_are_held_against_the_sound(tokens_of):
    a, b = (0.1, 0.3, "a"), (0.4, 0.6, "b")
    assert tokens_of(short(a, b)) == ((tiers.Token("a", 0.1, 0.3), tiers.Token("b", 0.4, 0.6)), tiers.Told())

    moved = [(first + 5, last + 5, label) for first, last, label in (a, b)]
    inside, told = tokens_of(short(*moved, start=5, end=6))
    assert [(round(each.start, 9), round(each.end, 9)) for each in inside] == [(0.1, 0.3), (0.4, 0.6)]
    assert "it is" not in told.assumed[0]
    assert "its times are moved by -5.00 s" in told.assumed[0]

    inside, told = tokens_of(short(b, start=0.35))
    assert inside[0].start == 0.4
    assert "they end together, and its times are taken as they are" in told.assumed[0]
    with pytest.raises(TextGridError, match=r"from 5.00 to 8.00 s, its sound from 0 to 1.00 s: neither"):
        tokens_of(short(*moved, start=5, end=8))

    outside = [(-0.7, -0.5, "a"), (0.9, 5.0, "a"), (5.0, 9.0, "b")]
    inside, told = tokens_of(short(a, *outside))
    assert [each.label for each in inside] == ["a"]
    assert "2 of 4 tokens end past the sound and 1 begins before it; they are not used" in told.left_out[0]
    with pytest.raises(TextGridError, match=r"2 of 3 tokens end past the sound and 1 begins before it$"):
        tokens_of(short(*outside))
    _, told = tokens_of(short(a, end=0.5))
    assert "it ends at 0.50 s, its sound at 1.00 s" in told.assumed[0]


def test_tiers_that_praat_would_not_write_are_told(tokens_of):
    inside, told = tokens_of(short((0.1, 0.5, "a"), (0.2, 0.3, "b"), (0.4, 0.6, "c"), (0.6, 0.7, "d")))
    assert len(inside) == 4
    assert "2 of 4 tokens overlap one of the same tier" in told.assumed[0]
    _, told = tokens_of(short((1.1, 1.2, "a"), (0.1, 0.2, "b")).replace('"vowels"\n0.0\n1.0', '"vowels"\n1.0\n2.0'))
    assert "its tier 'vowels' goes from 1.00 to 2.00 s, the TextGrid from 0.00 to 1.00 s" in told.assumed[0]


def test_labels_are_compared_as_composed(tokens_of):
    text = short((0.1, 0.2, "a\u0303"), (0.2, 0.3, "e"))
    for label in ("\u00e3", "a\u0303"):
        inside, _ = tokens_of(text, labels=[label])
        assert [each.label for each in inside] == ["\u00e3"]


def test_trigraphs_are_letters_where_that_is_said(tokens_of):
    text = short((0.1, 0.2, r"\ae\:f"), (0.2, 0.3, r"a\~^"), (0.3, 0.4, r"r\`"))
    inside, told = tokens_of(text)
    assert [each.label for each in inside] == [r"\ae\:f", r"a\~^", r"r\`"]
    assert told.trigraphs == (r"\ae", r"\:f", r"\~^")
    inside, told = tokens_of(text, with_trigraphs=True)
    assert ([each.label for each in inside], told.trigraphs) == (["æː", "ã", r"r\`"], ())


def test_trigraphs_are_praats():
    table = "".join(f"\\{pair}" for pair in trigraphs.TRIGRAPHS).replace('"', '""')
    _, variables = parselmouth.praat.run(f'a$ = backslashTrigraphsToUnicode$: "{table}"', return_variables=True)
    assert variables["a$"] == "".join(trigraphs.TRIGRAPHS.values())


def test_a_star_is_the_speaker(tokens_of):
    text = short(
        tier={
            "s1 - words": [(0.1, 0.9, "no")],
            "s1 - phones": [(0.1, 0.3, "a"), (0.5, 0.7, "b")],
            "s2 - phones": [(0.3, 0.4, "c"), (0.6, 0.8, "d")],
        }
    )
    inside, told = tokens_of(text, "* - phones")
    assert [(each.label, each.speaker) for each in inside] == [("a", "s1"), ("c", "s2"), ("b", "s1"), ("d", "s2")]
    assert "2 of 4 tokens overlap one of another speaker" in told.assumed[0]
    with pytest.raises(TextGridError, match=r"no tier like '\* - vowels'; its tiers are 's1 - words', 's1 - phones', "):
        tokens_of(text, "* - vowels")
    with pytest.raises(session.SessionError, match="has 2 stars; expected at most one"):
        session.gather(["."], [], tier="* - *")
