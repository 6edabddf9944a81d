"""Entry point. Every failure is one line on stderr and an exit code."""

from __future__ import annotations

import io
import os
import re
import signal
import sys
import warnings
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from dcgan import __version__
from dcgan.cli.commands import overview
from dcgan.cli.train_help import print_help
from dcgan.cli.words import with_new_options, without_commas
from dcgan.errors import DcganError, Diverged, Interrupted, RunError, SourceNotFound
from dcgan.runtime.files import FULL, disk_full
from dcgan.runtime.launch import speaks
from dcgan.runtime.memory import is_out_of_memory

_USAGE_ERROR = 2
_STOPPED = 3


def main() -> NoReturn:
    """Run the command line. Exit codes are those of :mod:`dcgan.errors`, 1 for any other failure.

    ``--debug``, anywhere, shows the traceback of a failure.
    """
    words = with_new_options([word for word in sys.argv[1:] if word != "--debug"])
    debug = len(words) < len(sys.argv) - 1
    # the package reports problems of images itself, with their names
    warnings.filterwarnings("ignore", module=r"PIL\.")
    _prepare_process()
    if words[:1] == ["help"]:  # as in other programs
        words = [*words[1:2], "--help"]
    if _answer_at_once(words):
        sys.exit(0)
    from cyclopts import CycloptsError

    from dcgan.cli.app import app
    from dcgan.cli.flags import as_typed, with_flags
    from dcgan.cli.mistakes import corrected, usage_line

    try:
        app(
            _joined(without_commas(words)),
            exit_on_error=False,
            print_error=False,
            result_action="return_value",
        )
    except CycloptsError as error:
        _fail(with_flags(usage_line(error, words)), _USAGE_ERROR, error, debug)
    except DcganError as error:
        if isinstance(error, Interrupted | Diverged) and not speaks():
            sys.exit(error.exit_code)  # of several processes, the first reports it
        meant = corrected(words) if isinstance(error, RunError | SourceNotFound) else None
        line = as_typed(error, words)
        line = f"{line.split('. ')[0]}. {meant}" if meant else line
        _fail(line, error.exit_code, error, debug)
    except KeyboardInterrupt as error:
        line = str(error) or "stopped by Ctrl-C (SIGINT); no file is left incomplete"
        _fail(line, _STOPPED, error, debug)
    except BrokenPipeError:
        # the reader of the output, such as head, has closed it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        _fail(_system_line(error), _USAGE_ERROR, error, debug)
    except Exception as error:
        if is_out_of_memory(error):
            _fail(_memory_line(error, words[0]), _USAGE_ERROR, error, debug)
        _fail(_unexpected_line(error), 1, error, debug)
    sys.exit(0)


def _prepare_process() -> None:
    """Let every name be printed, and every request to stop end in one line."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # file names need not be valid UTF-8
            stream.reconfigure(errors="backslashreplace")
    if ctrl_break := getattr(signal, "SIGBREAK", None):  # how a program stops another on Windows
        signal.signal(ctrl_break, signal.default_int_handler)


def _answer_at_once(words: list[str]) -> bool:
    """Print the overview, the version or the help of train, which need nothing slow."""
    if words in ([], ["--help"], ["-h"]):
        print(overview())
    elif words in (["version"], ["--version"], ["-v"], ["-V"]):
        print(__version__)
    elif words[:1] == ["train"] and {"--help", "-h", "--help-all"} & set(words):
        print_help(everything="--help-all" in words)
    else:
        return False
    return True


def _system_line(error: OSError) -> str:
    where = error.filename or "system"
    if error.errno in FULL:
        return str(disk_full(Path(os.fsdecode(where)), error.strerror or "disk full"))
    return f"{where}: {error.strerror or error}"


def _joined(words: list[str]) -> list[str]:
    """``--data.flip true`` as ``--data.flip=true``, since cyclopts gives a switch no value.

    >>> _joined(["train", "true", "--data.flip", "true", "--model.generator.bias=false", "no"])
    ['train', 'true', '--data.flip=true', '--model.generator.bias=false', 'no']
    """
    joined: list[str] = []
    for word in words:
        before = joined[-1] if joined else ""
        is_path = before.startswith("--") and "." in before and "=" not in before
        if is_path and word.lower() in ("true", "false"):
            joined[-1] += f"={word.lower()}"
        else:
            joined.append(word)
    return joined


_LESS = {
    "train": "--batch, --size, --optim.micro-batch or --records.sheet-images",
    "bench": "--batch or --size",
    "lab": "--jobs",
    "sample": "--number, or write a folder, .npz or .zip",
    "evaluate": "--number",
    "compare": "--number",
    "prepare": "--size",
}
"""What to change to use less memory, by command."""


def _memory_line(error: Exception, command: str) -> str:
    asked = re.search(
        r"[Tt]ried to allocate ([\d.]+ ?\w+)|Unable to allocate ([\d.]+ \w+)", str(error)
    )
    amount = f": {asked[1] or asked[2]} could not be allocated" if asked else ""
    less = f"Use a smaller {_LESS[command]}" if command in _LESS else "Use fewer or smaller images"
    return f"out of memory{amount}. {less}"


def _unexpected_line(error: Exception) -> str:
    text = " ".join(str(error).split())
    return (
        f"unexpected {type(error).__name__}: {text} (--debug shows a traceback; please report it)"
    )


def _fail(line: str, code: int, error: BaseException, debug: bool) -> NoReturn:
    if debug:
        raise error
    with suppress(OSError):  # a closed terminal does not change the exit code
        print(f"dcgan: {line}", file=sys.stderr, flush=True)
    sys.exit(code)
