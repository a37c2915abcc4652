"""The flags of every program that computes."""

from absl import flags

THEMES = {"Computation": ("compilation_cache_dir=FOLDER",)}

COMPILATION_CACHE_DIR = flags.DEFINE_string(
    "compilation_cache_dir",
    None,
    "Folder for compiled programs, which later runs read instead of compiling; '' for none. By default "
    "$JAX_COMPILATION_CACHE_DIR, else w2v_jax in $XDG_CACHE_HOME, else in ~/.cache.",
)
