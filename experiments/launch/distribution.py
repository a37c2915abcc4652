"""Several processes, perhaps on several hosts: who is who.

That is all that they ask of `jax.distributed`. Once each knows its number they part: its service would end all
processes when one dies, and let none come back, while a sweep needs no word between them (see `sweeping`).
"""

import jax

from ..store.sweeping import Share


class DistributionError(ValueError):
    """The flags or the cluster do not say who is who. The message is one line."""


def share(
    *, coordinator_address: str | None, num_processes: int | None, process_id: int | None, patience: float
) -> Share:
    """This process's share of the work. To be called before JAX does anything.

    Args:
        coordinator_address: `HOST:PORT` where the processes are to meet, the first one listening. None where they need
            not, or where the cluster's environment says where.
        num_processes: how many there are.
        process_id: which one this is, from 0. With both numbers and no address nobody is waited for, so that
            each process can be started, killed and started again by itself. With none of the three,
            `jax.distributed` finds them in the environment (Slurm, Open MPI, Kubernetes, Cloud TPU).
        patience: as for `Share`.

    Raises:
        DistributionError: numbers that make no sense, or an environment without them.
    """
    if (num_processes is None) != (process_id is None):
        raise DistributionError("--num_processes and --process_id say who is who together; expected both or none")
    if num_processes is not None and process_id is not None:
        if not 0 <= process_id < num_processes:
            raise DistributionError(
                f"--process_id={process_id}; expected 0 to {num_processes - 1} (--num_processes - 1)"
            )
        if coordinator_address is None:
            return Share(process_id, num_processes, patience)
    try:
        jax.distributed.initialize(coordinator_address, num_processes, process_id)
    except (ValueError, RuntimeError) as error:
        raise DistributionError(
            f"--distributed: jax.distributed found no cluster here ({str(error).splitlines()[0]}); "
            "give --num_processes and --process_id"
        ) from error
    part = Share(jax.process_index(), jax.process_count(), patience)
    jax.distributed.shutdown()
    return part
