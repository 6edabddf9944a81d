"""Self-contained HTML pages: one file with its images and without scripts."""

from __future__ import annotations

import base64
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image

from dcgan.runtime.files import write_text


def write_page(template: str, path: Path, **content: Any) -> None:
    """Fill a template of ``dcgan.render`` and write the page, atomically.

    Parameters
    ----------
    template : str
        A file in ``render/templates``. All values are escaped. The filter ``data_uri`` embeds
        images, ``svg_uri`` figures in SVG.
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
    # file names may not be valid UTF-8
    write_text(path, page.encode("utf-8", "backslashreplace").decode("utf-8"))


def data_uri(image: Image.Image) -> str:
    """An image as a data URI, in PNG format."""
    data = BytesIO()
    image.save(data, format="PNG")
    return _uri("image/png", data.getvalue())


def svg_uri(drawing: str) -> str:
    """A figure in SVG as a data URI."""
    return _uri("image/svg+xml", drawing.encode("utf-8"))


def _uri(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}"
