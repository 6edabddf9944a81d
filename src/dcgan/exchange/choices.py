"""The formats, and which options each one takes. Needs no torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dcgan.errors import ConfigError, did_you_mean


@dataclass(frozen=True)
class Format:
    """A format of an export.

    Parameters
    ----------
    suffix : str
        Of its file; empty for a folder.
    parts, precisions, pixels : tuple of str
        The allowed values of these options, the default first; empty if the option has no effect.
    single_file, licence : bool
        Whether it takes this option.
    """

    suffix: str
    parts: tuple[str, ...] = ()
    precisions: tuple[str, ...] = ()
    pixels: tuple[str, ...] = ()
    single_file: bool = False
    licence: bool = False


FORMATS = {
    "weights": Format("", ("generator", "both"), ("fp32", "fp16"), licence=True),
    "onnx": Format(
        ".onnx", ("generator", "discriminator"), ("fp32", "fp16", "int8"), ("uint8", "float")
    ),
    "torch": Format(".pt2", ("generator", "discriminator"), ("fp32", "fp16"), ("uint8", "float")),
    "web": Format("", single_file=True),
}


@dataclass(frozen=True)
class Options:
    """The options of one export; None where the format has none."""

    part: str | None
    precision: str | None
    pixels: str | None
    licence: str | None
    single_file: bool


def chosen(
    to: str,
    *,
    part: str | None,
    precision: str | None,
    pixels: str | None,
    licence: str | None,
    single_file: bool,
) -> Options:
    """The options with defaults filled in; ``ConfigError`` for one that the format lacks."""
    if to not in FORMATS:
        raise ConfigError("to", to, f"no such format; {did_you_mean(to, FORMATS)}")
    form = FORMATS[to]
    if licence is not None and not form.licence:
        raise ConfigError("license", licence, "only `to=weights` writes a model card. Leave it out")
    if single_file and not form.single_file:
        raise ConfigError("single_file", True, f"only for `to=web`. Leave it out of `to={to}`")
    return Options(
        _one_of("part", part, form.parts, to),
        _one_of("precision", precision, form.precisions, to),
        _one_of("pixels", pixels, form.pixels, to),
        licence or ("unknown" if form.licence else None),
        single_file,
    )


def default_name(run: Path, to: str, part: str | None, *, single_file: bool = False) -> str:
    """The name of the file or folder without `out`.

    >>> default_name(Path("runs/digits"), "onnx", "generator")
    'digits.onnx'
    >>> default_name(Path("runs/digits"), "weights", "generator")
    'digits-weights'
    """
    name = run.resolve().name
    name += "-discriminator" if part == "discriminator" else ""
    if single_file:
        return f"{name}.html"
    return name + (FORMATS[to].suffix or f"-{to}")


def refuse_other_suffix(out: Path, to: str) -> None:
    """Raise ``ConfigError`` if a file has another suffix than that of its format."""
    suffix = FORMATS[to].suffix
    if suffix and out.suffix.lower() != suffix:
        raise ConfigError("out", str(out), f"the file must end in {suffix}, such as model{suffix}")


def _one_of(key: str, value: str | None, allowed: tuple[str, ...], to: str) -> str | None:
    if not allowed:
        if value is None:
            return None
        raise ConfigError(key, value, f"`to={to}` does not take it. Leave it out")
    if value is None:
        return allowed[0]
    if value not in allowed:
        raise ConfigError(key, value, f"with `to={to}`, use {' or '.join(allowed)}")
    return value
