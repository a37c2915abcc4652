"""The flags that all probing experiments share."""

from absl import flags

from w2v_jax.precisions import PRECISIONS

from ..front_ends.names import BUNDLED, UNTRAINED
from . import CLUSTER, HOW_MANY

FIRST = ("quick", "encoders", "output_dir", "overwrite")
THEMES = {
    "Front ends": ("encoders=NAME,...", "offline"),
    HOW_MANY: ("quick", "size"),
    "Results": ("output_dir=FOLDER", "overwrite", "recompute"),
    "Computation": ("precision", "batch_size=N"),
    CLUSTER: (
        *("distributed", "num_processes=N", "process_id=N", "coordinator_address=HOST:PORT", "patience=SECONDS"),
    ),
}

ENCODERS = flags.DEFINE_list(
    "encoders",
    None,
    "Front ends to compare, separated by commas. Each is a file in weights/ (its name), a path, or a pattern in "
    "quotes such as 'runs/step-*.safetensors'; untrained or random-SEED (random weights); log-mel or stft "
    "(spectrograms); OWNER/NAME or OWNER/NAME@REVISION, a model on the Hugging Face hub, whose encoder is fetched "
    "once; paper, the three models of the paper; or package.module:factory, a function of yours that returns a front "
    f"end. NAME=ENCODER gives one another name. NAME=A+B+C groups trainings of one recipe. By default {BUNDLED}, and "
    f"{UNTRAINED} where the experiment adds no such control.",
)
OFFLINE = flags.DEFINE_bool(
    "offline", False, "Do not connect to the Hugging Face hub: use the models that were fetched before."
)
OUTPUT_DIR = flags.DEFINE_string(
    "output_dir", "results", "Folder for features, metrics and figures. It may be in a bucket: gs://, s3://, az://."
)
SIZE = flags.DEFINE_enum(
    "size",
    None,
    ["smoke", "quick", "usual", "full"],
    "How many sounds: smoke, a few, to see whether everything works; quick, for a first look; usual, the default; "
    "full, as many as in the paper where usual has fewer. Results of smoke and quick go to folders of their own in "
    "--output_dir.",
)
QUICK = flags.DEFINE_bool("quick", False, "Few sounds, for a first look: the same as --size=quick.")
PRECISION = flags.DEFINE_enum(
    "precision",
    "float32",
    list(PRECISIONS),
    "Precision of the products in an encoder's convolutions: float32; exact, which also sums in short runs; or a "
    "cheaper one.",
)
BATCH_SIZE = flags.DEFINE_integer(
    "batch_size", None, "Sounds that are computed together; by default chosen for the device.", lower_bound=1
)
OVERWRITE = flags.DEFINE_bool(
    "overwrite", False, "Replace results in --output_dir that were made with other sounds, encoders or settings."
)
RECOMPUTE = flags.DEFINE_bool("recompute", False, "Compute everything again, even what is in --output_dir.")
DISTRIBUTED = flags.DEFINE_bool(
    "distributed",
    False,
    "Share the work with other processes, here or on other computers, that run the same command with the same "
    "--output_dir. The first one measures and draws. By default the cluster's environment says which process is which.",
)
NUM_PROCESSES = flags.DEFINE_integer("num_processes", None, "Number of processes, with --distributed.", lower_bound=1)
PROCESS_ID = flags.DEFINE_integer(
    "process_id", None, "Number of this process, from 0, with --distributed.", lower_bound=0
)
COORDINATOR_ADDRESS = flags.DEFINE_string(
    "coordinator_address",
    None,
    "Where the processes meet before they start, with --distributed. Not needed if --num_processes and --process_id "
    "are given.",
)
PATIENCE = flags.DEFINE_float(
    "patience",
    120.0,
    "Seconds that the first process waits for something new from the others, before it computes what is missing "
    "itself, with --distributed.",
    lower_bound=0.0,
)
NAMES = tuple(
    flag.name
    for flag in (
        *(ENCODERS, OFFLINE, OUTPUT_DIR, SIZE, QUICK, PRECISION, BATCH_SIZE, OVERWRITE, RECOMPUTE),
        *(DISTRIBUTED, NUM_PROCESSES, PROCESS_ID, COORDINATOR_ADDRESS, PATIENCE),
    )
)
