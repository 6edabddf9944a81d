"""The commands, each imported only when it is called."""

from __future__ import annotations

from cyclopts import App, Parameter

from dcgan import __version__
from dcgan.cli.commands import ABOUT, COMMANDS

app = App(
    name="dcgan",
    help=ABOUT,
    version=__version__,
    suppress_keyboard_interrupt=False,  # the entry point prints one line
    # no --empty-KEY twin of every option that takes several values
    default_parameter=Parameter(negative_iterable=()),
)

for _rank, (_name, _line) in enumerate(
    command for group in COMMANDS.values() for command in group.items()
):
    app.command(f"dcgan.cli.{_name}:{_name}", name=_name, help=_line, sort_key=_rank)
