"""The flags of experiments that ask about vowels: one's own table, and one's own grid."""

from absl import flags

PUBLISHED = ("hillenbrand-1995", "peterson-barney-1952")  # those of `w2v_jax.vowels`; a test compares

NAMES = ("vowels", "speakers", "f0", "f1", "f2")
FIRST = ("vowels",)
THEMES = {
    "Vowels": ("vowels=TABLE", "speakers=NAME,...", "f0=HZ,...", "f1=LOW:HIGH:COUNT", "f2=LOW:HIGH:COUNT"),
}

VOWELS = flags.DEFINE_string(
    "vowels",
    None,
    f"Vowels instead of the paper's: {' or '.join(PUBLISHED)}, or a CSV file with the columns symbol, F1, F2, "
    "and if wanted F3, f0 and speaker (or group). The grid goes from their lowest F1 and F2 to their highest.",
)
SPEAKERS = flags.DEFINE_list("speakers", None, "Only these speakers of --vowels, such as women,men.")
F0 = flags.DEFINE_string(
    "f0",
    None,
    "f0 of the vowels, in Hz. Maps of one f0 show the first. By default the mean of each speaker of --vowels, where "
    "the table has f0; else the paper's.",
)
F1 = flags.DEFINE_string("f1", None, "F1 of the grid of vowels, in Hz, such as 235:850:30.")
F2 = flags.DEFINE_string("f2", None, "F2 of the grid of vowels, in Hz, such as 595:2400:30.")
