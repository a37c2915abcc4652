"""The flags, apart from what they are for: help and wrong flags need no JAX, and no wait.

Each module has `THEMES`: the headings of its flags in `--help`, and how each flag is typed; and, where a beginner needs
some of them first, their names, `FIRST`.
"""

HOW_MANY = "How many sounds"
CLUSTER = "Several processes or computers that share the work (a cluster)"
