"""Write the page of results: one file to open, listen to and mail.

    w2v-jax report --output_dir=results

Writes `index.html` with the results that experiments left in the folder: figures, tables, and maps whose points one can
touch and hear. It runs no experiment, and needs no connection.
"""

from absl import flags as absl_flags

from .launch import flags, program
from .options import report as options
from .page import features_csv, page
from .page.folder import ReportError
from .store.results import Results
from .store.sweeping import NO_SPACE

OPTIONS = ("process", "report")


def main() -> None:
    """The program."""
    strange = [name for name in flags.NAMES if absl_flags.FLAGS[name].present and name not in options.SHARED]
    if strange:
        raise ReportError(f"--{strange[0]} does not apply to report, which runs no experiment; leave it out")
    results = flags.output_dir()
    folder = Results(results, size=flags.size()).folder
    if not folder.is_dir():
        raise ReportError(f"--output_dir={results}: the folder {folder} does not exist; expected one with results")
    names = absl_flags.FLAGS["encoders"].value or ()
    if options.FEATURES_CSV.value:
        for path in features_csv.write_all(folder, names):
            print(path)
    path, lacks = page.write(folder, names, clips=options.CLIPS.value)
    for line in lacks:
        print(f"NOTE: {line}")
    print(f"{path} ({path.stat().st_size / 1e6:.1f} MB): open it in a browser; it can be mailed as it is.")


def _one_line(error: Exception) -> str:
    if isinstance(error, OSError) and error.errno is not None and error.filename is not None:
        remedy = "free some space" if error.errno in NO_SPACE else "put that right"
        return f"{error.filename}: {error.strerror}; {remedy} and run the same command again"
    return str(error)


if __name__ == "__main__":
    program.launch(
        main, errors=(ReportError, flags.FlagError, OSError), describe=_one_line, kept=lambda: "nothing was written"
    )
