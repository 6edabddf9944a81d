"""The model card: ``README.md`` with the fields that the Hugging Face hub reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from dcgan.errors import DcganError, printable
from dcgan.metrics.registry import BETTER
from dcgan.metrics.score import Score, in_words
from dcgan.runs.dataset import FROM_PYTHON
from dcgan.runs.run import Run
from dcgan.runs.scores import read_best
from dcgan.runtime.changes import newest_first
from dcgan.runtime.reading import read_json
from dcgan.runtime.wording import CHANNELS


def model_card(run: Run, about: Mapping[str, Any], *, name: str, licence: str, sheet: str) -> str:
    """The text of the card.

    Parameters
    ----------
    run : Run
    about : dict
        The content of ``model.json``.
    name : str
        The title.
    licence : str
        As the hub names licences, such as ``mit``.
    sheet : str
        The file with samples.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("dcgan.exchange"),
        autoescape=False,  # Markdown; names are cleaned below
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "grouped": "{:,}".format,
        "plain": _plain,
        "printable": printable,
    }
    # as Python reads it: JSON's ASCII has two numbers for an emoji
    environment.policies["json.dumps_kwargs"] = {"ensure_ascii": False}
    networks = run.networks
    channels, height, width = networks.image_shape
    is_conditional = bool(networks.latent.classes)
    front = {
        "license": licence,
        "library_name": "dcgan",
        "pipeline_tag": "unconditional-image-generation",
        "tags": ["dcgan", "gan", "image-generation", *["conditional"] * is_conditional],
    }
    return environment.get_template("card.md.j2").render(
        front=yaml.safe_dump(front, sort_keys=False),
        name=name,
        about=about,
        source=_source(about),
        sheet=sheet,
        size=f"{height}×{width}",
        colors=CHANNELS.get(channels, str(channels)),
        latent=networks.latent,
        classes=networks.class_names,
        scores=scores_of(run),
        better=BETTER,
        in_words=in_words,
    )


def scores_of(run: Run) -> list[Score]:
    """The scores of the run's checkpoint: of its latest evaluation, else that of training."""
    for path in newest_first(run.folder.evaluations.glob(f"{run.checkpoint_name}-*.json")):
        try:
            return [Score.from_json(one) for one in read_json(path)["scores"]]
        except (OSError, ValueError, KeyError, TypeError):
            continue
    try:
        best = read_best(run.folder)
    except DcganError:
        return []
    return [best.score] if best and str(best.checkpoint) == run.checkpoint_name else []


def _source(about: Mapping[str, Any]) -> str:
    """The name of the dataset; empty if it is not known."""
    source = str(about["data"].get("source", ""))
    return "images from a Python program" if source == FROM_PYTHON else source


def _plain(text: object) -> str:
    """A name within a line of Markdown: without line breaks and signs of markup."""
    cleaned = printable(" ".join(str(text).split()))
    return "".join(f"\\{letter}" if letter in "\\`*_[]<>|#" else letter for letter in cleaned)
