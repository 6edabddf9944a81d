"""Entry point: every failure is one line on stderr and an exit code."""

from __future__ import annotations

import io
import os
import re
import sys
import warnings
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from dcgan import __version__
from dcgan.cli.commands import overview
from dcgan.errors import DcganError, Diverged, Interrupted, RunError, SourceNotFound
from dcgan.runtime.files import FULL, disk_full
from dcgan.runtime.launch import speaks
from dcgan.runtime.memory import is_out_of_memory

if TYPE_CHECKING:
    from cyclopts import App

_USAGE_ERROR = 2
_STOPPED = 3


def main() -> NoReturn:
    """Run the command line; exit codes 0, 2, 3 and 4 as the error tree says, 1 for all else.

    ``--debug``, anywhere, shows the traceback of a failure.
    """
    words = [word for word in sys.argv[1:] if word != "--debug"]
    debug = len(words) < len(sys.argv) - 1
    # problems of an image are reported once, with its name, and not by Pillow's warnings
    warnings.filterwarnings("ignore", module=r"PIL\.")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # names of files may hold what UTF-8 cannot
            stream.reconfigure(errors="backslashreplace")
    if words[:1] == ["help"]:  # as other programs know it
        words = [*words[1:2], "--help"]
    if (text := _text_for(words)) is not None:
        print(text)
        sys.exit(0)
    from cyclopts import CycloptsError

    from dcgan.cli.app import app
    from dcgan.cli.flags import with_flags
    from dcgan.cli.mistakes import corrected, usage_line

    try:
        app(
            _joined(words),
            exit_on_error=False,
            print_error=False,
            result_action="return_value",
        )
    except CycloptsError as error:
        _fail(usage_line(error, words), _USAGE_ERROR, error, debug)
    except DcganError as error:
        if isinstance(error, Interrupted | Diverged) and not speaks():
            sys.exit(error.exit_code)  # it happened to all, and the first says it
        meant = corrected(words) if isinstance(error, RunError | SourceNotFound) else None
        line = with_flags(str(error), _names(app, words))
        line = f"{line.split('. ')[0]}. {meant}" if meant else line
        _fail(line, error.exit_code, error, debug)
    except KeyboardInterrupt as error:
        _fail("stopped by SIGINT; files in a run folder stay complete", _STOPPED, error, debug)
    except BrokenPipeError:
        # the reader of our output, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        _fail(_system_line(error), _USAGE_ERROR, error, debug)
    except Exception as error:
        if is_out_of_memory(error):
            _fail(_memory_line(error, words[0]), _USAGE_ERROR, error, debug)
        _fail(_unexpected_line(error), 1, error, debug)
    sys.exit(0)


def _names(app: App, words: list[str]) -> set[str] | None:
    """What the command in these words accepts, such as ``RUN`` and ``--out``."""
    if not words or words[0] not in app:
        return None
    return {
        name for argument in app[words[0]].assemble_argument_collection() for name in argument.names
    }


def _text_for(words: list[str]) -> str | None:
    """The answer to what asks for the overview or the version, without anything slow."""
    if words in ([], ["--help"], ["-h"]):
        return overview()
    return __version__ if words in (["version"], ["--version"], ["-v"], ["-V"]) else None


def _system_line(error: OSError) -> str:
    where = error.filename or "system"
    if error.errno in FULL:
        return str(disk_full(Path(os.fsdecode(where)), error.strerror or "disk full"))
    return f"{where}: {error.strerror or error}"


def _joined(words: list[str]) -> list[str]:
    """``--data.flip true`` as ``--data.flip=true``: a switch takes no word after it, but every
    setting is to be had by its path and its value.

    >>> _joined(["train", "true", "--data.flip", "true", "--model.generator.bias=false", "no"])
    ['train', 'true', '--data.flip=true', '--model.generator.bias=false', 'no']
    """
    found: list[str] = []
    for word in words:
        before = found[-1] if found else ""
        is_path = before.startswith("--") and "." in before and "=" not in before
        if is_path and word.lower() in ("true", "false"):
            found[-1] += f"={word.lower()}"
        else:
            found.append(word)
    return found


_LESS = {
    "train": "--batch, --size, --optim.micro-batch or --records.sheet-images",
    "bench": "--batch or --size",
    "sample": "--number, or write a folder, .npz or .zip",
    "evaluate": "--images",
    "compare": "--images",
    "prepare": "--size",
}
"""What takes less memory, by command."""


def _memory_line(error: Exception, command: str) -> str:
    asked = re.search(
        r"tried to allocate ([\d.]+ ?\w+)|Unable to allocate ([\d.]+ \w+)", str(error)
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
    with suppress(OSError):  # a terminal that is gone changes no exit code
        print(f"dcgan: {line}", file=sys.stderr, flush=True)
    sys.exit(code)
