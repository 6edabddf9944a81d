"""One function for all formats."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, cast

from dcgan.errors import ConfigError
from dcgan.exchange.choices import Options, chosen, default_name, refuse_other_suffix
from dcgan.exchange.result import Exported, sizes_of
from dcgan.runs.run import Run, open_run
from dcgan.runtime.files import StrPath, expanded
from dcgan.runtime.isolation import isolated
from dcgan.runtime.reporting import SILENT, Reporter
from dcgan.runtime.shell import as_line
from dcgan.runtime.signatures import checked

if TYPE_CHECKING:
    from dcgan.exchange.standalone import Pixels

_WEB = "dcgan.exchange.web"


@checked
@isolated()
def export(
    run: Run | StrPath,
    to: str,
    out: StrPath | None = None,
    *,
    part: str | None = None,
    precision: str | None = None,
    pixels: str | None = None,
    license: str | None = None,  # the field of the model card  # noqa: A002
    single_file: bool = False,
    reporter: Reporter = SILENT,
) -> Exported:
    """Write a trained model as files for other programs, checked against the run.

    Parameters
    ----------
    run : Run or path
        A run at one checkpoint; a path is opened at its best one.
    to : {"weights", "onnx", "torch", "web"}
        ``weights``: a folder of safetensors, JSON and a model card, which :func:`dcgan.load` opens.
        ``onnx``: one file for ONNX Runtime and others. ``torch``: a ``torch.export`` program, which
        plain PyTorch loads. ``web``: a web page that generates images in the browser.
    out : path, optional
        The file, which is replaced if it exists, or a new folder. Default: a name made of that of
        the run, in the current folder.
    part : str, optional
        ``generator`` (default); for ``onnx`` and ``torch`` also ``discriminator``, with logits and
        features as outputs; for ``weights`` also ``both``.
    precision : str, optional
        ``fp32`` (default) or ``fp16``; for ``onnx`` also ``int8``, which stores weights in 8 bits.
    pixels : str, optional
        For ``onnx`` and ``torch``: ``uint8`` (default), images from 0 to 255; or ``float``, images
        as the network makes them, in [-1, 1] unless the run standardizes pixels.
    license : str, optional
        For the model card of ``weights``, such as ``mit``; default ``unknown``.
    single_file : bool, default False
        For ``web``: one HTML file.
    reporter : Reporter, optional

    Returns
    -------
    Exported
        Path, sizes, the largest difference from the run on 100 latents, and how to use it.

    Raises
    ------
    ConfigError
        An option that the format does not take, or a missing package.
    DcganError
        The exported network computes something else: it differs by more than 1e-4 in fp32.

    Examples
    --------
    >>> dcgan.export("runs/digits-auto", "onnx", "digits.onnx")  # doctest: +SKIP
    """
    options = chosen(
        to,
        part=part,
        precision=precision,
        pixels=pixels,
        licence=license,
        single_file=single_file,
    )
    path = run.path if isinstance(run, Run) else Path(run)
    name = default_name(path, to, options.part, single_file=single_file)
    place = expanded(name if out is None else out)
    refuse_other_suffix(place, to)
    refuse_missing(to)
    opened = run if isinstance(run, Run) else open_run(run)
    return _write(opened, to, place, options, reporter)


def refuse_missing(to: str) -> None:
    """Raise ``ConfigError`` if a format needs a package that is not installed."""
    if to == "onnx":
        from dcgan.exchange.onnx_file import refuse_missing_packages

        refuse_missing_packages()
    if to == "web" and find_spec(_WEB) is None:
        raise ConfigError(
            "to", to, "this installation has no web export. Use weights, onnx or torch"
        )


def _write(run: Run, to: str, out: Path, options: Options, reporter: Reporter) -> Exported:
    """The formats, each imported only when it is used."""
    part, precision = str(options.part), str(options.precision)
    pixels = cast("Pixels", options.pixels)
    match to:
        case "weights":
            from dcgan.exchange.weights import write_weights

            licence = str(options.licence)
            return write_weights(run, out, part=part, precision=precision, licence=licence)
        case "onnx":
            from dcgan.exchange.onnx_file import write_onnx

            return write_onnx(run, out, part=part, precision=precision, pixels=pixels)
        case "torch":
            from dcgan.exchange.program import write_program

            return write_program(run, out, part=part, precision=precision, pixels=pixels)
    import_module(_WEB).write_web(run, out, single_file=options.single_file, reporter=reporter)
    use = (
        (f"open {out} in a browser",)
        if options.single_file
        # browsers load no modules from files
        else (
            as_line(["python", "-m", "http.server", "--directory", str(out)]),
            "open http://localhost:8000 in a browser",
        )
    )
    return Exported(out, sizes_of(out), "web page", use)
