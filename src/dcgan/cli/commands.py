"""The commands, each with one line of help."""

from __future__ import annotations

ABOUT = "Train DCGANs on your own images, generate images, and evaluate the results."

COMMANDS = {
    "Train": {
        "train": "Train a DCGAN on a dataset of images.",
        "recipes": "List the recipes, or print one in full.",
        "bench": "Time training, compared with the standard PyTorch DCGAN example.",
    },
    "Look": {
        "sample": "Generate images with a trained run.",
        "interpolate": "Interpolate between images in latent space.",
        "arithmetic": "Add and subtract concepts, such as glasses, in latent space.",
        "directions": "Find, store and show directions that change one property.",
        "invert": "Find the latents of images, store them by name, show them.",
        "forget": "Switch off the feature maps that generate something.",
    },
    "Judge": {
        "health": "Say what is right and wrong with a run, and what to do next.",
        "report": "Write one page about a run: samples, curves, scores, settings.",
        "evaluate": "Score generated images; compare with the scores of real images.",
        "compare": "Compare runs: samples, curves, scores and settings.",
        "probe": "Score the discriminator's features with a linear classifier.",
    },
    "Images": {
        "inspect": "Report on a dataset before training.",
        "prepare": "Decode a dataset once, so that later runs load it fast.",
    },
}


def overview() -> str:
    """The overview of all commands, written here so that it needs no imports."""
    lines = ["Usage: dcgan COMMAND", "", ABOUT]
    for group, commands in COMMANDS.items():
        lines += ["", group, *(f"  {name:<13}{line}" for name, line in commands.items())]
    lines += ["", "dcgan COMMAND --help lists all options; dcgan --version prints the version."]
    return "\n".join(lines)
