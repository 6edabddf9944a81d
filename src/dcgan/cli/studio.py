"""``dcgan studio``: the local web page over run folders."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from dcgan.cli.options import DataRoot, Switch


def studio(
    folder: Path = Path("runs"),
    /,
    *,
    host: str = "127.0.0.1",
    port: int | None = None,
    allow: Annotated[tuple[Path, ...], Parameter(negative=())] = (),
    no_browser: Switch = False,
    data_root: DataRoot = None,
) -> None:
    """Open a web page to train, watch and explore models on this machine.

    Parameters
    ----------
    folder
        Choose the folder of runs.
    host
        Set the address to listen on. By default, only this machine can open the page. With another
        address, others can, if they know the token in the printed address.
    port
        Set the port (default: 8500, or the next free one).
    allow
        Allow the page to choose datasets in this folder only; may be given several times (default:
        the home folder).
    no_browser
        Do not open the browser; only print the address.
    """
    from dcgan.studio.serve import serve

    serve(
        folder,
        host=host,
        port=port,
        allow=allow,
        data_root=data_root,
        open_browser=not no_browser,
    )
