"""Self-contained HTML pages: one file with its images and without scripts."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dcgan.render.embedding import as_uri, compact_uri, png_uri
from dcgan.render.lines import Chart, svg_chart
from dcgan.runtime.files import write_text
from dcgan.runtime.wording import digits

if TYPE_CHECKING:
    from markupsafe import Markup


def write_page(template: str, path: Path, **content: Any) -> None:
    """Fill a template of ``dcgan.render`` and write the page, atomically.

    Parameters
    ----------
    template : str
        A file in ``render/templates``. All values are escaped. Filters: ``data_uri`` embeds an
        image without loss, ``compact_uri`` in a small file, ``gif_uri`` the bytes of a GIF,
        ``svg_uri`` a figure in SVG, ``chart`` draws a :class:`~dcgan.render.lines.Chart`;
        ``grouped`` writes 1,000 for 1000, ``advice`` shows what is in backticks as code.
    path : Path
    **content
        The template's variables.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("dcgan.render"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "data_uri": png_uri,
        "compact_uri": compact_uri,
        "gif_uri": lambda data: as_uri("image/gif", data),
        "svg_uri": svg_uri,
        "chart": _drawn,
        "grouped": "{:,}".format,
        "advice": _with_code,
        "breakable": _breakable,
        "digits": digits,
        "sentence": lambda text: f"{text[:1].upper()}{text[1:]}.",
    }
    page = environment.get_template(template).render(**content)
    # file names may not be valid UTF-8
    write_text(path, page.encode("utf-8", "backslashreplace").decode("utf-8"))


def svg_uri(drawing: str) -> str:
    """A figure in SVG as a data URI."""
    return as_uri("image/svg+xml", drawing.encode("utf-8"))


_SETTING = re.compile(r"([a-z]+(?:\.[a-z_0-9]+)+)(?:=(\S+))?")
"""A dotted setting, with a value or without."""


def _with_code(text: str) -> Markup:
    """The text, with what is in backticks as code, and settings as options of the command line."""
    from markupsafe import Markup, escape

    parts = text.split("`")
    for at, part in enumerate(parts):
        if at % 2 and (match := _SETTING.fullmatch(part)):
            value = f" {match[2]}" if match[2] else ""
            parts[at] = f"--{match[1].replace('_', '-')}{value}"
    parts = [str(escape(part)) for part in parts]
    return Markup("".join(f"<code>{one}</code>" if at % 2 else one for at, one in enumerate(parts)))


def _breakable(key: str) -> Markup:
    """A dotted setting that may break after each dot and underscore."""
    from markupsafe import Markup, escape

    return Markup(str(escape(key)).replace(".", ".<wbr>").replace("_", "_<wbr>"))


def _drawn(chart: Chart) -> Markup:
    from markupsafe import Markup

    return Markup(svg_chart(chart))  # it escapes every text itself
