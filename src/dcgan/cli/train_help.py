"""The help of ``dcgan train``: the options that people use first, or all settings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

FIRST = {
    "What to train on": {
        "DATA": "Choose the images: a folder, .zip, .npz, URL, or a name such as mnist (default:"
        " digits).",
        "--size N|HxW": "Set the height and width in pixels, 64 or 157x128 (default: auto). Smaller"
        " is faster.",
        "--data.fit HOW": "Fit other aspect ratios: crop, pad, stretch or cover-random (default:"
        " crop). See dcgan inspect.",
        "--data.flip": "Flip images left to right at random (default: off). Not for letters or"
        " digits.",
        "--data-root DIR": "Set the folder of datasets chosen by name (default: the variable"
        " DCGAN_DATA).",
    },
    "How long (choose one)": {
        "--minutes N": "Stop after this many minutes of training.",
        "--epochs N": "Stop after this many passes over the dataset.",
        "--images N": "Stop after this many real images seen (default: auto, 100 epochs within"
        " limits).",
    },
    "Where to write": {
        "--out DIR": "Set the run folder (default: a new one in runs/). The same command resumes an"
        " unfinished run.",
        "--resume": "Resume the run in --out, or the newest run of these settings. A larger"
        " --minutes trains longer.",
        "--json": "Print one JSON object about the run as the last line. Use it in scripts.",
    },
    "How to train": {
        "--recipe NAME|FILE": "Choose networks and settings (default: auto). dcgan recipes lists"
        " all recipes.",
        "--model.condition F": "Learn the classes of factor F, usually label (default: off). For"
        " dcgan sample --label.",
        "--augment.policy P": "Choose the augmentation, or none (default: by the recipe). It helps"
        " with few images.",
        "--seed N": "Set the seed of all random numbers (default: 0). Change it to repeat an"
        " experiment.",
    },
    "Speed and memory": {
        "--batch N": "Set the images per step (default: auto, 32 on a CPU, 64 on a GPU). Lower it"
        " if memory runs out.",
        "--device NAME": "Choose auto, cpu, cuda, cuda:N or mps (default: auto, a GPU if there is"
        " one).",
        "--precision NAME": "Choose auto, fp32 or bf16 (default: auto, the faster one here).",
        "--threads N": "Set the number of CPU threads (default: auto, the fastest). Lower it to"
        " leave cores free.",
        "--deterministic": "Make resume bit-identical on a GPU too (default: off). Slower on a"
        " GPU.",
    },
}
"""What people set first, in groups, each with its help."""

_SECTIONS = {
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
        from dcgan.config.tree import RunConfig

        groups |= {
            title: dict(_settings(name, RunConfig.model_fields[name].annotation))
            for name, title in _SECTIONS.items()
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


_END_OF_ALL = (
    "A recipe replaces the defaults printed above. In a recipe and in Python, a setting such as"
    " --optim.micro-batch is written optim.micro_batch. A switch such as --data.flip is turned off"
    " by --data.no-flip."
)


def _settings(section: str, kind: Any) -> Iterator[tuple[str, str]]:
    """The options of a section, each with its help, the words that are allowed and the default."""
    from pydantic import BaseModel

    from dcgan.config.allowed_values import allowed, either

    for name, field in kind.model_fields.items():
        path, inner = f"{section}.{name}", field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from _settings(path, inner)
            continue
        text, words = str(field.description), allowed(field)
        if words != ["true", "false"] and not any(" " in word or word == "text" for word in words):
            text += f" [{either(words)}]"
        if field.default not in (None, ()) and "(default:" not in text:
            text += f" [default: {_shown(field.default)}]"
        yield f"--{path}".replace("_", "-"), " ".join(text.split())


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return " ".join(map(str, value)) if isinstance(value, tuple) else str(value)
