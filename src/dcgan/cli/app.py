"""The commands, each imported only when it is called."""

from __future__ import annotations

from cyclopts import App, Parameter

from dcgan import __version__

app = App(
    name="dcgan",
    help="DCGANs for anybody's pictures: train, look, sample, reuse.",
    version=__version__,
    suppress_keyboard_interrupt=False,  # the entry point says what became of the run
    # no --empty-KEY twin of every option that takes several values
    default_parameter=Parameter(negative_iterable=()),
)

_COMMANDS = {
    "train": "Train a DCGAN on a collection of pictures.",
    "sample": "Draw images with a trained run's generator.",
    "interpolate": "Go from picture to picture through latent space.",
    "arithmetic": "Add and subtract what pictures show.",
    "invert": "Find pictures in latent space, keep them by name, show them.",
    "directions": "Find what changes pictures in one way, keep it by name, show it.",
    "forget": "Switch off the feature maps that draw something, and draw without them.",
    "inspect": "Report on a picture collection before any training.",
    "prepare": "Decode and pack a collection once; later runs read it at memory speed.",
    "evaluate": "Measure what a trained run draws, beside what real pictures would get.",
    "compare": "Compare runs: same latents, curves, measures with spreads, settings.",
    "probe": "Judge the discriminator's features by a linear classifier.",
    "bench": "Time training on this machine, beside the loop everybody copies and its limits.",
    "recipes": "List the recipes, or print one in full.",
}

for _rank, (_name, _line) in enumerate(_COMMANDS.items()):
    app.command(f"dcgan.cli.{_name}:{_name}", name=_name, help=_line, sort_key=_rank)
