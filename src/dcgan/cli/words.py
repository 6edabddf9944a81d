"""The words of a command line, before they are parsed."""

from __future__ import annotations

from collections.abc import Sequence

_OLD = {"--metrics.measure": "--metrics.metric", "--neighbours": "--neighbors"}
_OLD_OF_COMMAND = {command: {"--images": "--number"} for command in ("evaluate", "compare")}
"""Earlier spellings of options, which scripts may still use."""

_SEVERAL = ("betas", "shape")
_REPEATED = ("categorical",)
"""Ends of the options of several numbers: those that the parser reads one after the other, and
those whose option it wants before each."""


def with_new_options(words: Sequence[str]) -> list[str]:
    """A command line in the options of today.

    >>> with_new_options(["evaluate", "run", "--images=500", "--neighbours"])
    ['evaluate', 'run', '--number=500', '--neighbors']
    """
    old = _OLD | _OLD_OF_COMMAND.get(words[0] if words else "", {})
    renamed = []
    for word in words:
        option, equals, value = word.partition("=")
        renamed.append(old.get(option, option) + equals + value)
    return renamed


def without_commas(words: Sequence[str]) -> list[str]:
    """Several numbers of an option as the parser reads them, where commas join them.

    >>> without_commas(["train", "--optim.generator.betas", "0.5,0.999", "--threads", "2,1@64"])
    ['train', '--optim.generator.betas', '0.5', '0.999', '--threads', '2,1@64']
    >>> without_commas(["--model.latent.categorical=10,3"])
    ['--model.latent.categorical', '10', '--model.latent.categorical', '3']
    """
    separate: list[str] = []
    for word in words:
        option, equals, value = word.partition("=")
        if not equals and separate and not word.startswith("--"):
            option, value = separate[-1], word
        end = option.rpartition(".")[2] if option.startswith("--") else ""
        if "," not in value or end not in (*_SEVERAL, *_REPEATED):
            separate.append(word)
            continue
        if not equals:
            separate.pop()
        numbers = value.split(",")
        if end in _SEVERAL:
            separate += [option, *numbers]
        else:
            separate += [part for number in numbers for part in (option, number)]
    return separate
