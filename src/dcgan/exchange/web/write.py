"""Write the web page of a run: a folder for a web server, or one HTML file."""

from __future__ import annotations

from pathlib import Path

from dcgan.errors import ConfigError
from dcgan.exchange.web.model_file import model_bytes
from dcgan.exchange.web.page import MARKER, MODULES, STATIC, folder_page, single_page
from dcgan.runs.run import Run, open_run
from dcgan.runtime.files import StrPath, expanded, folder_written_whole, write_text
from dcgan.runtime.isolation import isolated
from dcgan.runtime.reporting import SILENT, Reporter
from dcgan.runtime.signatures import checked

PAGE, MODEL = "index.html", "model.safetensors"

COPIED = ("page.js", *MODULES, "page.css", "explorer.css", "engine.wasm")
"""Static files of the folder form."""

SUFFIXES = (".html", ".htm")


@checked
@isolated()
def write_web(
    run: Run | StrPath,
    out: StrPath,
    *,
    single_file: bool = False,
    reporter: Reporter = SILENT,
) -> Path:
    """Write a web page that generates images in the visitor's browser.

    It needs no network, no server that computes, and no other file. Weights are stored in half
    precision: pixels differ from those of PyTorch by at most 1 or 2 of 255.

    Parameters
    ----------
    run : Run or path
        A path is opened at its best checkpoint.
    out : path
        A folder, which must be new, empty, or an earlier export; with ``single_file`` an ``.html``
        file.
    single_file : bool, default False
        Write one file that opens from disk, by double click. The folder needs a web server, is a
        quarter smaller, and allows a Content-Security-Policy without inline scripts.
    reporter : Reporter, optional
        Is told which saved directions are left out, and why.

    Returns
    -------
    Path
        The page: the file, or ``index.html`` in the folder.

    Raises
    ------
    ConfigError
        ``out`` holds something else, or the generator has an operation that the page does not have.
    RunError
        The path is not a run folder, or weights are not finite.

    Examples
    --------
    >>> write_web("runs/digits-auto", "digits.html", single_file=True)  # doctest: +SKIP
    PosixPath('digits.html')
    """
    path = expanded(out)
    if single_file:
        refuse_other_file(path)
    else:
        refuse_other_folder(path)
    opened = run if isinstance(run, Run) else open_run(run)
    model = model_bytes(opened, reporter)
    if single_file:
        write_text(path, single_page(opened, model))
        return path
    with folder_written_whole(path, last=PAGE) as unfinished:
        for name in COPIED:
            (unfinished / name).write_bytes((STATIC / name).read_bytes())
        (unfinished / MODEL).write_bytes(model)
        (unfinished / PAGE).write_text(folder_page(opened), encoding="utf-8")
    return path / PAGE


def refuse_other_file(path: Path) -> None:
    """Raise ``ConfigError`` unless ``path`` is an ``.html`` file, and new or an earlier export."""
    if path.suffix.lower() not in SUFFIXES:
        raise ConfigError(
            "out", str(path), "a single file must be an .html file, such as model.html"
        )
    if path.is_dir() or (path.exists() and not _is_export(path)):
        raise ConfigError(
            "out", str(path), "exists and is no exported page. Choose another file, or delete it"
        )


def refuse_other_folder(path: Path) -> None:
    """Raise ``ConfigError`` unless ``path`` is new, an empty folder, or an earlier export."""
    if path.suffix.lower() in SUFFIXES:
        raise ConfigError(
            "out", str(path), "a folder is written here. Use `single_file=True` for one file"
        )
    if not path.exists() or _is_export(path / PAGE):
        return
    if not path.is_dir() or any(path.iterdir()):
        raise ConfigError(
            "out",
            str(path),
            "exists and is no exported page. Choose a new or empty folder, or delete it",
        )


def _is_export(page: Path) -> bool:
    """Whether a file is a page of this module."""
    if not page.is_file():
        return False
    with page.open("rb") as file:
        return MARKER.encode() in file.read(4096)
