"""``dcgan train``: train a DCGAN."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from dcgan.cli.options import OptionalData
from dcgan.config.tree import RunConfig


def train(
    data: OptionalData = None,
    /,
    *,
    out: Path | None = None,
    resume: bool = False,
    size: str | None = None,
    images: int | None = None,
    epochs: int | None = None,
    minutes: float | None = None,
    batch: int | None = None,
    data_root: Path | None = None,
    init: Path | None = None,
    as_json: Annotated[bool, Parameter(name="--json")] = False,
    settings: Annotated[RunConfig | None, Parameter(name="*")] = None,
) -> None:
    """Train a DCGAN on a dataset of images.

    ``dcgan train --help`` is printed by :mod:`dcgan.cli.train_help`.
    """
    from dcgan.config import parse_config, validate_combinations
    from dcgan.runtime.arguments import refuse_nothing_to_resume
    from dcgan.runtime.launch import speaks
    from dcgan.training.planning.arguments import collect_settings

    given: dict[str, Any] = settings.model_dump(mode="json", exclude_unset=True) if settings else {}
    recipe = given.pop("recipe", None)
    shortcuts: dict[str, Any] = {
        "size": size,
        "images": images,
        "epochs": epochs,
        "minutes": minutes,
        "batch": batch,
        "init": None if init is None else str(init),
    }
    request: dict[str, Any] = {
        "recipe": recipe,
        "out": out,
        "resume": resume,
        "data_root": data_root,
        "settings": given,
    }
    # what is wrong is refused before torch is imported, which takes seconds
    if resume and out is not None:
        refuse_nothing_to_resume(out)
    validate_combinations(parse_config(collect_settings(data, shortcuts=shortcuts, **request)))

    from dcgan.cli.flags import screen
    from dcgan.runtime.progress import waiting_for

    with waiting_for("loading PyTorch"):
        from dcgan.cli.train_report import as_dict, as_text
        from dcgan.training import train as train_run

    run = train_run(data, **request, **shortcuts, reporter=screen())
    if speaks():
        print(json.dumps(as_dict(run)) if as_json else as_text(run))
