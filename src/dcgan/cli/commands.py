"""The commands, each with one line of help."""

from __future__ import annotations

ABOUT = "Train DCGANs on your own images, generate images, and evaluate the results."

COMMANDS = {
    "Train": {
        "train": "Train a DCGAN on a dataset of images.",
        "recipes": "List the recipes, or print one in full.",
        "bench": "Time training, compared with the standard PyTorch DCGAN example.",
    },
    "Generate and explore": {
        "studio": "Open a web page to train, watch and explore models.",
        "models": "List the trained models that come with the package.",
        "sample": "Generate images with a trained run or a built-in model.",
        "interpolate": "Interpolate between images in latent space.",
        "arithmetic": "Add and subtract concepts, such as glasses, in latent space.",
        "directions": "Find latent directions that change one property of an image.",
        "invert": "Find the latents that generate given images.",
        "forget": "Remove what some feature maps generate, such as one class.",
        "export": "Write a trained model as files for other programs.",
    },
    "Evaluate": {
        "health": "Say what is right and wrong with a run, and what to do next.",
        "report": "Write one page about a run: samples, curves, scores, settings.",
        "evaluate": "Score generated images, and real images for comparison.",
        "compare": "Compare runs: samples, curves, scores and settings.",
        "lab": "Run an experiment about a claim: a verdict with its interval.",
        "probe": "Score how well the discriminator's features tell classes apart.",
    },
    "Images": {
        "inspect": "Report on a dataset before training.",
        "prepare": "Decode a dataset once, so that later runs load it fast.",
    },
    "Exchange": {
        "import": "Make a run of a model trained with another program.",
    },
}

ARGUMENTS: dict[str, tuple[str, ...]] = {
    "train": ("[DATA]",),
    "recipes": ("[NAME]",),
    "bench": (),
    "studio": ("[FOLDER]",),
    "models": (),
    "sample": ("RUN",),
    "interpolate": ("RUN", "[POINTS...]"),
    "arithmetic": ("RUN",),
    "directions": ("RUN", "[NAME]"),
    "invert": ("RUN", "[IMAGES...]"),
    "forget": ("RUN",),
    "export": ("RUN", "--to FORMAT"),
    "health": ("RUN",),
    "report": ("RUN",),
    "evaluate": ("RUN", "[DATA]"),
    "compare": ("RUNS...",),
    "lab": ("[NAME]",),
    "probe": ("RUN", "DATA"),
    "inspect": ("[DATA]",),
    "prepare": ("DATA", "--out PATH"),
    "import": ("GENERATOR", "[DISCRIMINATOR]", "--out RUN"),
}
"""What each command takes besides options, for its line of usage."""


def overview() -> str:
    """The overview of all commands, written here so that it needs no imports."""
    lines = ["Usage: dcgan COMMAND", "", ABOUT]
    for group, commands in COMMANDS.items():
        lines += ["", group, *(f"  {name:<13}{line}" for name, line in commands.items())]
    lines += ["", "dcgan COMMAND --help lists all options; dcgan --version prints the version."]
    return "\n".join(lines)
