"""The HTML of the web page, in both forms."""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from pathlib import Path
from typing import Any

from dcgan.runs.run import Run
from dcgan.runtime.wording import counted

STATIC = Path(__file__).parent / "static"

MODULES = ("engine.js", "latents.js", "controls.js", "map.js", "shelf.js", "explorer.js")
"""In an order in which each uses only those before it."""

MARKER = '<meta name="generator" content="dcgan export web">'
"""Tells an exported page from any other."""

_IMPORT = re.compile(r'^import \{[^}]*\} from "\./[a-z]+\.js";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=async |class |function |const )", re.MULTILINE)

_COLORS = {
    1: "grayscale",
    2: "grayscale with transparency",
    3: "color",
    4: "color with transparency",
}


def folder_page(run: Run) -> str:
    """``index.html`` of the folder form. Nothing is inline, so its policy allows only its files."""
    policy = (
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self';"
        " connect-src 'self'; base-uri 'none'; form-action 'none'"
    )
    return _filled(run, policy, single=False)


def single_page(run: Run, model: bytes) -> str:
    """The page with everything inside. Its policy allows only its own script and style, by hash."""
    script, style = single_script(), _text("page.css") + _text("explorer.css")
    policy = (
        f"default-src 'none'; script-src '{_hash(script)}' 'wasm-unsafe-eval';"
        f" style-src '{_hash(style)}'; base-uri 'none'; form-action 'none'"
    )
    return _filled(
        run,
        policy,
        single=True,
        # ours, so not escaped: neither holds a closing tag
        script=_markup(script),
        style=_markup(style),
        model=base64.b64encode(model).decode(),
        engine=base64.b64encode((STATIC / "engine.wasm").read_bytes()).decode(),
    )


@cache
def single_script() -> str:
    """All modules as one: an inline module cannot import another one."""
    modules = [_IMPORT.sub("", _text(name)) for name in (*MODULES, "single.js")]
    return _EXPORT.sub("", "\n".join(modules))


def _filled(run: Run, policy: str, **content: Any) -> str:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(STATIC),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    channels, height, width = run.networks.image_shape
    seen = counted(run.images_seen, "image")
    # an imported model was trained elsewhere
    training = f", trained on {seen}, with repetitions" if run.images_seen else ""
    text = environment.get_template("page.html.j2").render(
        # only quotes of the policy would be escaped, which the hashes and keywords need
        policy=_markup(policy),
        marker=_markup(MARKER),
        name=run.path.resolve().name,
        about=f"A generator of {height}×{width} images in {_COLORS[channels]}{training}. It runs in"
        " your browser and sends nothing.",
        **content,
    )
    # file names may not be valid UTF-8
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _text(name: str) -> str:
    return (STATIC / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"


def _markup(text: str) -> Any:
    from markupsafe import Markup

    return Markup(text)
