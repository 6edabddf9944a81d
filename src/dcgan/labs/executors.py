"""Where the jobs of a lab run: processes of this machine, a Ray cluster, or a SLURM array.

Each is a few lines around a library that schedules. All machines must see the folder of the lab.
"""

from __future__ import annotations

import os
import shutil
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from threading import Event
from typing import Any, Protocol

from dcgan.errors import ConfigError, did_you_mean
from dcgan.labs.jobs import Job, Outcome, run_job
from dcgan.runtime.shell import install
from dcgan.runtime.threads import cores

_SLURM_MINUTES = 24 * 60
"""Time limit of a job of the array; SBATCH_TIMELIMIT sets another one."""

_PATIENCE = 90.0
"""Seconds that the jobs of a cluster have to save their state."""


class Handle(Protocol):
    """A job that was started: a future of any of the libraries."""

    def done(self) -> bool:
        """Whether it has ended."""

    def result(self) -> Outcome:
        """How it ended."""


class Executor(Protocol):
    """Starts jobs elsewhere."""

    def start(self, jobs: Sequence[Job]) -> Sequence[Handle]:
        """Start all jobs, as many at once as there is room for."""

    def stop(self) -> None:
        """Ask all jobs to save their state, and wait until they have ended."""


class LocalExecutor:
    """Processes of this machine, ``jobs`` at once."""

    def __init__(self, jobs: int) -> None:
        self._pool = ThreadPoolExecutor(jobs)  # each thread waits for one process
        self._stopped = Event()

    def start(self, jobs: Sequence[Job]) -> Sequence[Handle]:
        return [self._pool.submit(run_job, job, self._stopped) for job in jobs]

    def stop(self) -> None:
        self._stopped.set()
        self._pool.shutdown(cancel_futures=True)


class RayExecutor:
    """Tasks of a Ray cluster: that of ``RAY_ADDRESS``, else one of ``jobs`` cores, started here."""

    def __init__(self, jobs: int, *, uses_gpu: bool) -> None:
        ray: Any = import_module("ray")
        self._ray, self._began = ray, not ray.is_initialized()
        if self._began:
            with _own_signals():
                if address := os.environ.get("RAY_ADDRESS"):
                    # the cluster decides how many tasks it runs
                    ray.init(address=address, log_to_driver=False)
                else:
                    ray.init("local", num_cpus=jobs, include_dashboard=False, log_to_driver=False)
        self._task = ray.remote(num_cpus=1, num_gpus=int(uses_gpu))(run_job)
        self._references: list[Any] = []

    def start(self, jobs: Sequence[Job]) -> Sequence[Handle]:
        self._references = [self._task.remote(job) for job in jobs]
        return [reference.future() for reference in self._references]

    def stop(self) -> None:
        for reference in self._references:
            self._ray.cancel(reference)
        if self._references:
            number = len(self._references)
            self._ray.wait(self._references, num_returns=number, timeout=_PATIENCE)
        if self._began:
            self._ray.shutdown()


class SlurmExecutor:
    """One SLURM array, submitted by submitit; where there is no SLURM, processes of this machine.

    Partition, account and time limit are those of ``SBATCH_PARTITION``, ``SBATCH_ACCOUNT`` and
    ``SBATCH_TIMELIMIT``.
    """

    def __init__(self, jobs: int, folder: Path, *, uses_gpu: bool) -> None:
        submitit: Any = import_module("submitit")
        cluster = "slurm" if shutil.which("sbatch") else "local"
        self._executor = submitit.AutoExecutor(folder=folder / "jobs" / "slurm", cluster=cluster)
        self._executor.update_parameters(
            name="dcgan-lab",
            cpus_per_task=1,
            gpus_per_node=int(uses_gpu),
            timeout_min=_SLURM_MINUTES,
            slurm_array_parallelism=jobs,
        )
        self._handles: list[Any] = []

    def start(self, jobs: Sequence[Job]) -> Sequence[Handle]:
        self._handles = self._executor.map_array(run_job, jobs)
        return self._handles

    def stop(self) -> None:
        for handle in self._handles:
            if not handle.done():
                handle.cancel()
        deadline = time.monotonic() + _PATIENCE
        while not all(handle.done() for handle in self._handles) and time.monotonic() < deadline:
            time.sleep(1)


_PACKAGES = {"local": None, "ray": "ray", "slurm": "submitit"}
"""The package that an executor needs."""


def open_executor(name: str, jobs: int | None, folder: Path, *, device: str) -> Executor:
    """An executor by its name.

    Parameters
    ----------
    name : {"local", "ray", "slurm"}
    jobs : int, optional
        Most jobs at once; default one for each core, and one on a GPU.
    folder : Path
        The folder of the lab.
    device : str
        Where each run is trained.
    """
    most = jobs_at_once(jobs, device)
    uses_gpu = device.startswith("cuda")
    match name:
        case "ray":
            return RayExecutor(most, uses_gpu=uses_gpu)
        case "slurm":
            return SlurmExecutor(most, folder, uses_gpu=uses_gpu)
    return LocalExecutor(most)


def jobs_at_once(jobs: int | None, device: str) -> int:
    """How many jobs run at once: ``jobs``, else one for each core, and one on a GPU."""
    return jobs or (cores() if device == "cpu" else 1)


def refuse_executor(name: str, jobs: int | None) -> None:
    """Raise ``ConfigError`` for an executor that cannot be used, before anything is written."""
    if name not in _PACKAGES:
        raise ConfigError("executor", name, f"no such executor; {did_you_mean(name, _PACKAGES)}")
    package = _PACKAGES[name]
    if package is not None and find_spec(package) is None:
        raise ConfigError("executor", name, f"needs {package}. Install it: {install(name)}")
    if jobs is not None and jobs < 1:
        raise ConfigError("jobs", jobs, "use 1 or more")


@contextmanager
def _own_signals() -> Iterator[None]:
    """Keep the handler of SIGTERM, which Ray replaces by one that ends the process."""
    previous = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, previous)
