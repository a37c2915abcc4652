"""Vowel tables: the published ones have the published numbers, and a file that is no table is told so in a line."""

import pytest

from w2v_jax import vowels
from w2v_jax.grids import Vowel
from w2v_jax.vowels import VowelTableError, published, read_table

HEADER = "symbol,F1,F2\n"


@pytest.fixture
def table_of(tmp_path):
    """Reads a table with the given content."""

    def read(content):
        path = tmp_path / "mine.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_table(path)

    return read


def columns(name, speaker, attribute):
    return [getattr(vowel, attribute) for vowel in published(name).of(speaker)]


def test_peterson_and_barney():
    # Table II of the paper, row by row.
    name = "peterson-barney-1952"
    assert [vowel.symbol for vowel in published(name).of("men")] == list("iɪɛæɑɔʊuʌɝ")
    assert columns(name, "men", "f0") == [136, 135, 130, 127, 124, 129, 137, 141, 130, 133]
    assert columns(name, "women", "f0") == [235, 232, 223, 210, 212, 216, 232, 231, 221, 218]
    assert columns(name, "children", "f0") == [272, 269, 260, 251, 256, 263, 276, 274, 261, 261]
    assert columns(name, "men", "f1") == [270, 390, 530, 660, 730, 570, 440, 300, 640, 490]
    assert columns(name, "women", "f1") == [310, 430, 610, 860, 850, 590, 470, 370, 760, 500]
    assert columns(name, "children", "f1") == [370, 530, 690, 1010, 1030, 680, 560, 430, 850, 560]
    assert columns(name, "men", "f2") == [2290, 1990, 1840, 1720, 1090, 840, 1020, 870, 1190, 1350]
    assert columns(name, "women", "f2") == [2790, 2480, 2330, 2050, 1220, 920, 1160, 950, 1400, 1640]
    assert columns(name, "children", "f2") == [3200, 2730, 2610, 2320, 1370, 1060, 1410, 1170, 1590, 1820]
    assert columns(name, "men", "f3") == [3010, 2550, 2480, 2410, 2440, 2410, 2240, 2240, 2390, 1690]
    assert columns(name, "women", "f3") == [3310, 3070, 2990, 2850, 2810, 2710, 2680, 2670, 2780, 1960]
    assert columns(name, "children", "f3") == [3730, 3600, 3570, 3320, 3170, 3180, 3310, 3260, 3360, 2160]


def test_hillenbrand_and_others():
    # Table V of the paper, row by row.
    name = "hillenbrand-1995"
    assert [vowel.symbol for vowel in published(name).of("men")] == list("iɪeɛæɑɔoʊuʌɝ")
    assert columns(name, "men", "f0") == [138, 135, 129, 127, 123, 123, 121, 129, 133, 143, 133, 130]
    assert columns(name, "women", "f0") == [227, 224, 219, 214, 215, 215, 210, 217, 230, 235, 218, 217]
    assert columns(name, "children", "f0") == [246, 241, 237, 230, 228, 229, 225, 236, 243, 249, 236, 237]
    assert columns(name, "men", "f1") == [342, 427, 476, 580, 588, 768, 652, 497, 469, 378, 623, 474]
    assert columns(name, "women", "f1") == [437, 483, 536, 731, 669, 936, 781, 555, 519, 459, 753, 523]
    assert columns(name, "children", "f1") == [452, 511, 564, 749, 717, 1002, 803, 597, 568, 494, 749, 586]
    assert columns(name, "men", "f2") == [2322, 2034, 2089, 1799, 1952, 1333, 997, 910, 1122, 997, 1200, 1379]
    assert columns(name, "women", "f2") == [2761, 2365, 2530, 2058, 2349, 1551, 1136, 1035, 1225, 1105, 1426, 1588]
    assert columns(name, "children", "f2") == [3081, 2552, 2656, 2267, 2501, 1688, 1210, 1137, 1490, 1345, 1546, 1719]
    assert columns(name, "men", "f3") == [3000, 2684, 2691, 2605, 2601, 2522, 2538, 2459, 2434, 2343, 2550, 1710]
    assert columns(name, "women", "f3") == [3372, 3053, 3047, 2979, 2972, 2815, 2824, 2828, 2827, 2735, 2933, 1929]
    assert columns(name, "children", "f3") == [3702, 3403, 3323, 3310, 3289, 2950, 2982, 2987, 3072, 2988, 3145, 2143]


def test_published_tables_say_their_source():
    for name in vowels.PUBLISHED:
        assert published(name).name == name
        assert "Journal of the Acoustical Society of America" in published(name).source
    with pytest.raises(VowelTableError, match="no published table 'peterson'; expected 'hillenbrand-1995' or 'peter"):
        published("peterson")


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_separators_marks_and_line_ends(table_of, separator, mark, end):
    lines = [
        "",
        "Symbol,f1,F2,word,F3,f0,Group",
        "[ɔ̃],500,700,on,,110.5,Anna",
        ",,,,,,",
        "ɯ,300,1390,,2400,120,Anna",
        "",
    ]
    table = table_of(mark + end.join(lines).replace(",", separator))
    assert table.vowels == (
        Vowel("ɔ̃", 500, 700, f0=110.5, speaker="Anna"),
        Vowel("ɯ", 300, 1390, f3=2400, f0=120, speaker="Anna"),
    )
    assert table.unused == ("word",)
    assert table.place(table.vowels[1]) == "mine.csv, line 5: 'ɯ' of 'Anna'"


def test_the_separator_that_excel_is_told(table_of):
    table = table_of("sep=;\nsymbol;F1;F2;a,b\ni;300;2500;\n")
    assert (table.vowels, table.lines, table.unused) == ((Vowel("i", 300, 2500),), (3,), ("a,b",))


def test_decimal_commas_have_one_reading_where_semicolons_or_tabs_separate(table_of):
    table = table_of("symbol;F1;F2;f0\ni;270,25;2300;110\na;800,125;1300,5;120\n")
    assert table.vowels == (Vowel("i", 270.25, 2300, f0=110), Vowel("a", 800.125, 1300.5, f0=120))
    assert table.read_as == "mine.csv has decimal commas: 270,25 is read as 270.25 Hz."
    assert table_of("symbol\tF1\tF2\na\t800,5\t1300\n").vowels == (Vowel("a", 800.5, 1300),)
    assert table_of("symbol;F1;F2\na;800.5;1300\n").read_as == ""


def test_speakers(table_of):
    table = table_of("symbol,F1,F2,speaker\na,800,1300,x\na,900,1500,y\ni,300,2500,x\n")
    assert table.speakers == ("x", "y")
    assert [vowel.symbol for vowel in table.of("x")] == ["a", "i"]
    assert table.only(["y"]).vowels == table.of("y")
    composed = table_of("symbol,F1,F2,speaker\na,800,1300,zoe\u0308\n")
    assert composed.only(["zoe\u0308"]).speakers == composed.only(["zo\u00eb"]).speakers == ("zo\u00eb",)
    assert table.only(["y"]).lines == (3,)
    with pytest.raises(VowelTableError, match="has no speaker 'z'; expected some of x, y"):
        table.only(["x", "z"])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "is empty; expected a line with the names of columns"),
        (HEADER, "has no row below"),
        ("vowel,F1,F2\n", "line 1: has no column 'symbol', but vowel, F1, F2; expected symbol, F1, F2"),
        ("symbol F1 F2\n", "line 1: has no column 'symbol', but symbol F1 F2"),
        ("symbol,F1,F2,f1\n", "line 1: has the column 'F1' twice"),
        ("symbol,F1,F2,speaker,group\n", "line 1: has the columns 'speaker' and 'group'"),
        (HEADER + "a,800\n", "line 2: has 2 cells; expected 3"),
        (
            HEADER + "a,800,5,1300\n",
            r"line 2: has 4 cells; expected 3.* \(decimal commas\? then separate cells by semicolons",
        ),
        (HEADER + 'a,"800,5",1300\n', "line 2: F1 is '800,5', with a comma; expected .* decimal point"),
        ("symbol;F1;F2\na;800,5;1300.5\n", "line 2: '1300.5' has a point, and '800,5' on line 2 a comma; expected one"),
        ("symbol;F1;F2\na;850;1,450\n", "line 2: '1,450' may be 1.450 or 1450; expected numbers of Hz without a separ"),
        ("symbol;F1;F2\na;800,5;1.300,5\n", "line 2: '1.300,5' has a point, and '800,5' on line 2 a comma"),
        (HEADER + "a,eight,1300\n", "line 2: F1 is 'eight'; expected a number of Hz above 0"),
        (HEADER + "a,,1300\n", "line 2: F1 is empty; expected a number"),
        (HEADER + "a,nan,1300\n", "line 2: F1 is 'nan'; expected a number"),
        (HEADER + "a,0,1300\n", "line 2: F1 is '0'; expected a number of Hz above 0"),
        (
            HEADER + "i,310,2700\na,0.85,1.45\n",
            r"line 3: F1 is 0.85; expected Hz, at least 20 \(kHz, .* 850 Hz is writ",
        ),
        ("symbol;F1;F2\na;850;1.450\n", "line 2: F2 is 1.45; expected Hz"),  # a separator of thousands
        ((HEADER + "a,800,1300").encode("utf-16"), "it is UTF-16 .*; save the file as CSV in UTF-8"),
        (b"PK\x03\x04" + bytes(60), "it is a workbook"),
        (HEADER + "a,1_0,1300\n", "line 2: F1 is '1_0'"),
        (HEADER + "a,1e999,1300\n", "line 2: F1 is '1e999'"),
        (HEADER + "a,1300,1300\n", "line 2: F1 is 1300 Hz and F2 1300 Hz; expected F1 below F2"),
        ("symbol,F1,F2,F3\na,800,1300,1200\n", "line 2: F2 is 1300 Hz and F3 1200 Hz; expected F2 below F3"),
        ("symbol,F1,F2,f0\na,800,1300,\n", "line 2: f0 is empty; expected a number"),
        (
            HEADER + "a,800,1300\n\na,810,1300\n",
            "line 4: the vowel 'a' was on line 2; expected each once; several spea",
        ),
        ("symbol,F1,F2,speaker\na,80,90,x\na,80,90,x\n", "line 3: the vowel 'a' of speaker 'x' was on line 2"),
        ("symbol,F1,F2,speaker\na,80,90,\n", "line 2: speaker is empty"),
        (HEADER + ",800,1300\n", "line 2: symbol is empty"),
        (HEADER + "$a$,800,1300\n", "line 2: symbol is .* and no \\$"),
        (HEADER + "a\x1b,800,1300\n", "line 2: symbol is 'a.*u001b'; expected"),
        (HEADER + '"a,800,1300\n', "line 2: unexpected end of data"),
        (HEADER.encode() + b"\n\xe6,800,1300\n", "line 3: the byte 0xe6 is not UTF-8; save the file as CSV in UTF-8"),
        (b"x" * 1_000_001, "has 1,000,001 bytes; expected a table of vowels"),
    ],
)
def test_what_is_no_table_is_told_so_in_a_line(table_of, content, said):
    with pytest.raises(VowelTableError, match=said) as caught:
        table_of(content)
    assert "mine.csv" in str(caught.value)
    assert "\n" not in str(caught.value)
