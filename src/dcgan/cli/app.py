"""The commands, each imported only when it is called."""

from __future__ import annotations

from cyclopts import App, Parameter

from dcgan import __version__
from dcgan.cli.commands import ABOUT, ARGUMENTS, COMMANDS


def _default(value: object) -> str | None:
    """How help shows a default; not at all where nothing is set or a switch is off."""
    return None if value is None or value is False or value == () else str(value)


app = App(
    name="dcgan",
    help=ABOUT,
    version=__version__,
    suppress_keyboard_interrupt=False,  # the entry point prints one line
    # no --empty-KEY twin of every option that takes several values
    default_parameter=Parameter(negative_iterable=(), show_default=_default),
)

_FUNCTIONS = {"import": "import_model"}
"""Commands that are no names in Python."""

for _rank, (_name, _line) in enumerate(
    command for group in COMMANDS.values() for command in group.items()
):
    app.command(
        "dcgan.cli.{0}:{0}".format(_FUNCTIONS.get(_name, _name)),
        name=_name,
        help=_line,
        usage=" ".join(["Usage: dcgan", _name, *ARGUMENTS[_name], "[OPTIONS]"]),
        sort_key=_rank,
    )
