"""The flags that all probing experiments share."""

from absl import flags

from w2v_jax.precisions import PRECISIONS

from ..front_ends.names import BUNDLED, UNTRAINED

ENCODERS = flags.DEFINE_list(
    "encoders",
    None,
    "Front ends to compare, separated by commas: names of files in weights/, paths, patterns of either (quoted, such "
    "as 'runs/step-*.safetensors'); 'untrained' or 'random-SEED', random weights; 'log-mel' or 'stft', spectrograms; "
    "'package.module:factory', a function of yours that returns a front end; 'OWNER/NAME' or 'OWNER/NAME@REVISION', a "
    "model on the Hugging Face hub, whose encoder is fetched once; 'paper', the three models of the paper. "
    "NAME=ENCODER names one, NAME=A+B+C groups trainings of one recipe. "
    f"By default {BUNDLED!r}, and {UNTRAINED!r} where the experiment brings no such controls.",
)
OFFLINE = flags.DEFINE_bool(
    "offline", False, "Ask the Hugging Face hub for nothing: take of its models what was fetched before."
)
OUTPUT_DIR = flags.DEFINE_string(
    "output_dir", "results", "Folder for features, metrics and figures; also in a bucket: gs://, s3://, az://."
)
SIZE = flags.DEFINE_enum(
    "size",
    None,
    ["smoke", "quick", "usual", "full"],
    "How fine the grids are: smoke, a few sounds, to see whether it works; quick, for a first look; usual; full, the "
    "paper's own where usual thins them. Results of the first two go to folders of their own in --output_dir.",
)
QUICK = flags.DEFINE_bool("quick", False, "The same as --size=quick.")
PRECISION = flags.DEFINE_enum(
    "precision",
    "float32",
    list(PRECISIONS),
    "Of the products in an encoder's convolutions: float32; exact, with short sums; or cheaper ones.",
)
BATCH_SIZE = flags.DEFINE_integer(
    "batch_size", None, "Sounds per compiled call; by default chosen for the device.", lower_bound=1
)
OVERWRITE = flags.DEFINE_bool(
    "overwrite", False, "Replace results in --output_dir that were made with other grids, encoders or settings."
)
RECOMPUTE = flags.DEFINE_bool("recompute", False, "Compute everything again, whatever is in --output_dir.")
DISTRIBUTED = flags.DEFINE_bool(
    "distributed",
    False,
    "Share the sweeps with other processes that run the same command, perhaps on other hosts, with the same "
    "--output_dir. The first one measures and draws. By default the cluster's environment says who is who.",
)
NUM_PROCESSES = flags.DEFINE_integer(
    "num_processes", None, "With --distributed: how many processes there are.", lower_bound=1
)
PROCESS_ID = flags.DEFINE_integer("process_id", None, "With --distributed: which one this is, from 0.", lower_bound=0)
COORDINATOR_ADDRESS = flags.DEFINE_string(
    "coordinator_address",
    None,
    "With --distributed: HOST:PORT where the processes are to meet before they start. They need not, where "
    "--num_processes and --process_id are given.",
)
PATIENCE = flags.DEFINE_float(
    "patience",
    120.0,
    "With --distributed: seconds without anything new from the others after which the first process computes what is "
    "missing itself.",
    lower_bound=0.0,
)
NAMES = tuple(
    flag.name
    for flag in (
        *(ENCODERS, OFFLINE, OUTPUT_DIR, SIZE, QUICK, PRECISION, BATCH_SIZE, OVERWRITE, RECOMPUTE),
        *(DISTRIBUTED, NUM_PROCESSES, PROCESS_ID, COORDINATOR_ADDRESS, PATIENCE),
    )
)
