"""How an experiment becomes a program: flags, errors, processes."""
