"""Self-contained HTML pages: one file, pictures inside, no scripts."""

from __future__ import annotations

import base64
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image

from dcgan.runtime.files import write_text


def write_page(template: str, path: Path, **content: Any) -> None:
    """Fill a template of ``dcgan.render`` and write the page, whole or not at all.

    Parameters
    ----------
    template : str
        A file below ``render/templates``. Everything put into it is escaped; pictures go through
        its filter ``data_uri``, drawings in SVG through ``svg_uri``.
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
    environment.filters |= {"data_uri": data_uri, "svg_uri": svg_uri}
    page = environment.get_template(template).render(**content)
    # names of files may hold what UTF-8 cannot
    write_text(path, page.encode("utf-8", "backslashreplace").decode("utf-8"))


def data_uri(image: Image.Image) -> str:
    """A picture as an address that carries it, as PNG."""
    data = BytesIO()
    image.save(data, format="PNG")
    return _uri("image/png", data.getvalue())


def svg_uri(drawing: str) -> str:
    """The same of a drawing in SVG."""
    return _uri("image/svg+xml", drawing.encode("utf-8"))


def _uri(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}"
