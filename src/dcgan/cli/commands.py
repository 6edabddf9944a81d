"""What commands there are, each in one line."""

from __future__ import annotations

ABOUT = "DCGANs for anybody's pictures: train, look, sample, reuse."

COMMANDS = {
    "Train": {
        "train": "Train a DCGAN on a collection of pictures.",
        "recipes": "List the recipes, or print one in full.",
        "bench": "Time training on this machine, beside the loop everybody copies.",
    },
    "Look": {
        "sample": "Draw images with a trained run's generator.",
        "interpolate": "Go from picture to picture through latent space.",
        "arithmetic": "Add and subtract what pictures show.",
        "directions": "Find what changes pictures in one way, keep it, show it.",
        "invert": "Find pictures in latent space, keep them by name, show them.",
        "forget": "Switch off the feature maps that draw something.",
    },
    "Judge": {
        "evaluate": "Measure what a run draws, beside what real pictures would get.",
        "compare": "Compare runs: same latents, curves, measures with spreads.",
        "probe": "Judge the discriminator's features by a linear classifier.",
    },
    "Images": {
        "inspect": "Report on a picture collection before any training.",
        "prepare": "Decode and pack a collection once; later runs read it fast.",
    },
}


def overview() -> str:
    """All of them, for people: written here so that nothing has to be loaded for it."""
    lines = ["Usage: dcgan COMMAND", "", ABOUT]
    for group, commands in COMMANDS.items():
        lines += ["", group, *(f"  {name:<13}{line}" for name, line in commands.items())]
    lines += ["", "dcgan COMMAND --help lists what it takes; dcgan --version says which this is."]
    return "\n".join(lines)
