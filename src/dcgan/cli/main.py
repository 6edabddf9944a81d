"""Entry point: every failure is one line on stderr and an exit code."""

from __future__ import annotations

import io
import os
import sys
import warnings
from typing import NoReturn

from dcgan import __version__
from dcgan.cli.commands import overview
from dcgan.errors import DcganError, Diverged, Interrupted, RunError, SourceNotFound
from dcgan.runtime.launch import speaks

_USAGE_ERROR = 2
_STOPPED = 3


def main() -> NoReturn:
    """Run the command line; exit codes 0, 2, 3 and 4 as the error tree says, 1 for all else.

    ``--debug``, anywhere, shows the traceback of a failure.
    """
    words = [word for word in sys.argv[1:] if word != "--debug"]
    debug = len(words) < len(sys.argv) - 1
    # what is wrong with a picture is said by its name, once, and not by Pillow's warnings
    warnings.filterwarnings("ignore", module=r"PIL\.")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # names of files may hold what UTF-8 cannot
            stream.reconfigure(errors="backslashreplace")
    if words[:1] == ["help"]:  # as other programs know it
        words = [*words[1:2], "--help"]
    if words in ([], ["--help"], ["-h"]):
        print(overview())
        sys.exit(0)
    if words in (["version"], ["--version"], ["-v"], ["-V"]):
        print(__version__)
        sys.exit(0)
    from cyclopts import CycloptsError

    from dcgan.cli.app import app
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
        line = f"{str(error).split('. ')[0]}. {meant}" if meant else str(error)
        _fail(line, error.exit_code, error, debug)
    except KeyboardInterrupt as error:
        _fail("stopped by SIGINT; what is in a run folder stays whole", _STOPPED, error, debug)
    except BrokenPipeError:
        # the reader of our output, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        where = error.filename or "system"
        _fail(f"{where}: {error.strerror or error}", _USAGE_ERROR, error, debug)
    except Exception as error:
        _fail(_unexpected_line(error), 1, error, debug)
    sys.exit(0)


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


def _unexpected_line(error: Exception) -> str:
    text = " ".join(str(error).split())
    if "out of memory" in text.lower() or isinstance(error, MemoryError):
        return f"out of memory ({text}); take a smaller --batch, --size or --optim.micro-batch"
    return f"unexpected {type(error).__name__}: {text} (--debug shows where; please report it)"


def _fail(line: str, code: int, error: BaseException, debug: bool) -> NoReturn:
    if debug:
        raise error
    print(f"dcgan: {line}", file=sys.stderr)
    sys.exit(code)
