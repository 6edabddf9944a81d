"""Python programs that tests start as processes of their own.

They are forked from one process that has imported PyTorch, which takes longer than most of what they
do. Where processes cannot be forked, they start as usual.
"""

from __future__ import annotations

import atexit
import os
import runpy
import sys
from multiprocessing import get_all_start_methods, get_context
from pathlib import Path
from tempfile import mkstemp

_CONTEXT = get_context("forkserver" if "forkserver" in get_all_start_methods() else "spawn")
_CONTEXT.set_forkserver_preload(
    [
        *("dcgan.cli.app", "tests.unrendered", "dcgan.evaluation.evaluate_runs"),
        *("torch.distributed.nn.functional", "torch.distributed.run"),
        *("matplotlib.figure", "matplotlib.backends.backend_agg", "jinja2", "sklearn.neighbors"),
    ]
)

TORCHRUN = Path(__file__).with_name("torchrun.py")
"""The script that starts several processes."""

PATIENCE = 240
"""Seconds until a process counts as stuck."""


class Program:
    """A program in a process of its own: ``Program("-m", "dcgan", "train", ...)``.

    As after ``python``, the first word is ``-m``, ``-c`` or the path of a script. Further variables
    of the environment are named. Runs end without figures and a report unless ``figures`` is true.
    """

    def __init__(self, *words, figures=False, **environment):
        descriptor, name = mkstemp(suffix=".txt")
        os.close(descriptor)
        self._said = Path(name)
        self._process = _CONTEXT.Process(
            target=_begin,
            args=([*map(str, words)], {**os.environ, **environment}, Path.cwd(), name, figures),
        )
        self._process.start()
        atexit.register(self.kill)  # after a failure, or Python would wait for its end

    @property
    def is_running(self):
        return self._process.exitcode is None

    def send(self, number):
        """Send a signal."""
        os.kill(self._process.pid, number)

    def kill(self):
        """End it without a warning, and wait until it has ended."""
        atexit.unregister(self.kill)
        self._process.kill()
        self._process.join()
        self._said.unlink(missing_ok=True)

    def wait(self):
        """Its exit code and all that it has printed, once it has ended."""
        self._process.join(PATIENCE)
        code, said = self._process.exitcode, self._said.read_text(errors="replace")
        self.kill()
        return code, said


def popen(words, *, stdout, **_):
    """In the place of ``subprocess.Popen``, for a program that prints into an open file."""
    process = _CONTEXT.Process(
        target=_begin, args=(words[1:], dict(os.environ), Path.cwd(), stdout.name)
    )
    process.start()
    process.wait = process.join
    return process


def _begin(words, environment, folder, said, figures=False):
    """The first function of a process: everything as for one that the shell has started, but for
    ``os.fsync`` and figures, as in ``conftest.py``."""
    from tests import unrendered

    os.fsync = lambda _: None
    if not figures:
        unrendered.render_nothing()
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    output = os.open(said, os.O_WRONLY | os.O_APPEND)
    for stream in (sys.stdout, sys.stderr):
        os.dup2(output, stream.fileno())
    run(words)


def run(words):
    """What ``python`` does with the words of its command line."""
    if words[0] == "-m":
        sys.argv = words[1:]
        runpy.run_module(words[1], run_name="__main__", alter_sys=True)
    elif words[0] == "-c":
        sys.argv = ["-c", *words[2:]]
        exec(compile(words[1], "<string>", "exec"), {"__name__": "__main__"})
    else:
        sys.argv = words
        runpy.run_path(words[0], run_name="__main__")
