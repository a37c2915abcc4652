"""The flags of experiments that ask about vowels: one's own table, and one's own grid."""

from absl import flags

PUBLISHED = ("hillenbrand-1995", "peterson-barney-1952")  # those of `w2v_jax.vowels`; a test compares

NAMES = ("vowels", "speakers", "f0", "f1", "f2")

VOWELS = flags.DEFINE_string(
    "vowels",
    None,
    f"Vowels instead of the paper's: {' or '.join(PUBLISHED)}, or a CSV file with the columns symbol, F1, F2, "
    "and if wanted F3, f0 and speaker (or group). The grid goes from their lowest F1 and F2 to their highest.",
)
SPEAKERS = flags.DEFINE_list("speakers", None, "With --vowels: only these speakers of the table, such as women,men.")
F0 = flags.DEFINE_string(
    "f0",
    None,
    "f0 of the vowels, HZ[,HZ...]. The first is that of the maps of one f0. By default the mean of each speaker of "
    "--vowels, where the table has f0; else the paper's.",
)
F1 = flags.DEFINE_string("f1", None, "F1 of the grid of vowels, LOW:HIGH:COUNT, such as 235:850:30 (Hz).")
F2 = flags.DEFINE_string("f2", None, "F2 of the grid of vowels, LOW:HIGH:COUNT, such as 595:2400:30 (Hz).")
