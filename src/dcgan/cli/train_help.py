"""The help of ``dcgan train``: the options that people use first, or all settings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic import BaseModel

FIRST = {
    "What to train on": {
        "DATA": "Choose the images: a folder, .zip, .npz, URL, or a name such as mnist (default:"
        " digits, 1,797 built-in images of handwritten digits).",
        "--size N|HxW": "Set the height and width in pixels, 64 or 157x128 (default: auto). Smaller"
        " is faster.",
        "--data.fit HOW": "Fit images of other aspect ratios: crop the center, pad, stretch, or"
        " cover-random, which crops another part each epoch (default: crop).",
        "--data.flip": "Flip images left to right at random (default: off). Do not use it for"
        " letters or digits.",
        "--data-root DIR": "Set the folder of datasets chosen by name (default: the environment"
        " variable DCGAN_DATA).",
    },
    "How long (choose one)": {
        "--minutes N": "Stop after this many minutes of training.",
        "--epochs N": "Stop after this many passes over the dataset.",
        "--images N": "Stop after this many real images seen (default: auto, 100 epochs, but"
        " 100,000 to 400,000 images; more on a GPU).",
    },
    "Where to write": {
        "--out DIR": "Set the run folder (default: a new one in runs/). If DIR holds an unfinished"
        " run of the same settings, train resumes it.",
        "--resume": "Resume the run in --out, or the newest run of these settings. A larger"
        " --minutes trains longer.",
        "--json": "Print one JSON object about the run as the last line. Use it in scripts.",
    },
    "How to train": {
        "--recipe NAME|FILE": "Choose networks and settings (default: auto). dcgan recipes lists"
        " all recipes.",
        "--init RUN": "Start from the weights of another run instead of random ones. Try it with"
        " few images. Networks, size and channels are those of RUN unless they are set; layers of"
        " another shape start at random.",
        "--model.condition F": "Learn the classes of factor F, usually label, or clusters of"
        " similar images (clusters), or none (default: auto, labels if each class has enough"
        " images, otherwise clusters)."
        " Then dcgan sample --label generates one class.",
        "--augment.policy P": "Choose the augmentation: none, or color, translation and cutout"
        " joined by + (default: auto, all three below 100,000 images).",
        "--on-failure HOW": "Choose what to do when training fails, such as in mode collapse:"
        " continue, stop or rollback (default: continue).",
        "--seed N": "Set the seed of all random numbers (default: 0). The same seed repeats a run;"
        " another seed gives a different run.",
    },
    "Speed and memory": {
        "--batch N": "Set the images per step (default: auto, 32 on a CPU, 64 on a GPU). Lower it"
        " if memory runs out.",
        "--device NAME": "Choose auto, cpu, cuda, cuda:N or mps (default: auto, a GPU if there is"
        " one).",
        "--precision NAME": "Choose auto, fp32 or bf16 (default: auto, the faster one here).",
        "--threads N": "Set the number of CPU threads (default: auto, the fastest). Lower it to"
        " leave cores free.",
        "--deterministic": "Make resume bit-identical on a GPU too (default: off). This is slower"
        " on a GPU.",
    },
}
"""What people set first, in groups, each with its help."""

_SHORT = {
    "data.source": "DATA",
    "data.root": "--data-root",
    "data.size": "--size",
    "optim.batch": "--batch",
    "start.weights": "--init",
    **{f"length.{name}": f"--{name}" for name in ("images", "epochs", "minutes")},
}
"""Settings that have another name above, which describes them."""

_SEVERAL = {"betas": "A B", "shape": "C H W", "categorical": "N,N"}
"""How settings of several numbers are typed."""

_SECTIONS = {
    "start": "Start",
    "data": "Images",
    "model": "Networks",
    "objective": "Objective",
    "augment": "Augmentation",
    "optim": "Optimizers",
    "average": "Averaging",
    "length": "Length",
    "metrics": "Metrics",
    "records": "Records",
}


def print_help(*, everything: bool) -> None:
    """Print the first options, or these and each setting of the configuration."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    say = console.print
    say(
        "Usage: dcgan train [DATA] [OPTIONS]\n\nTrain a DCGAN on a dataset of images.", markup=False
    )
    groups: dict[str, Mapping[str, str]] = dict(FIRST)
    widest = max(len(option) for entries in FIRST.values() for option in entries)
    if everything:
        from dcgan.config import load_recipe, parse_config

        say(f"\n{_DEFAULTS}", markup=False)
        config = parse_config(load_recipe("auto"))
        groups |= {
            title: dict(_settings(name, getattr(config, name))) for name, title in _SECTIONS.items()
        }
    for title, entries in groups.items():
        say(f"\n{title}", style="bold")
        table = Table.grid(padding=(0, 2, 0, 0))
        table.add_column(no_wrap=True, width=max(widest, *map(len, entries)) + 2)
        for option, text in entries.items():
            table.add_row(Text(f"  {option}"), Text(text))
        say(table)
    end = _END_OF_ALL if everything else "dcgan train --help-all lists all settings."
    say(f"\n{end}", markup=False)


_DEFAULTS = (
    "Defaults are those of the recipe auto. Other recipes have their own: dcgan recipes NAME prints"
    " them."
)

_END_OF_ALL = (
    "In a recipe and in Python, a setting such as --optim.micro-batch is written optim.micro_batch."
    " A switch such as --data.flip is turned off by --data.no-flip."
)


def _settings(section: str, values: BaseModel) -> Iterator[tuple[str, str]]:
    """The options of a section, each with its help, the words that are allowed and the default.

    Those that stand among the first options are left out.
    """
    from pydantic import BaseModel

    from dcgan.config.allowed_values import allowed, either

    first = {option.split()[0] for entries in FIRST.values() for option in entries}
    for name, field in type(values).model_fields.items():
        path, value = f"{section}.{name}", getattr(values, name)
        option = f"--{path}".replace("_", "-")
        if isinstance(value, BaseModel):
            yield from _settings(path, value)
            continue
        if option in first:
            continue
        if path in _SHORT:
            yield option, f"This is the long form of {_SHORT[path]}."
            continue
        text, words = str(field.description), allowed(field)
        if words != ["true", "false"] and not any(" " in word or word == "text" for word in words):
            text += f" [{either(words)}]"
        if value not in (None, ()) and "(default:" not in text:
            text += f" [default: {_shown(value)}]"
        yield f"{option} {_SEVERAL.get(name, '')}".rstrip(), " ".join(text.split())


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return " ".join(map(str, value)) if isinstance(value, tuple) else str(value)
