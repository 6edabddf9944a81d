"""What all routes share: the folder, its runs, jobs and allowed places."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from fastapi import Depends, Request

from dcgan.studio.inside.sessions import Sessions
from dcgan.studio.jobs import Jobs
from dcgan.studio.library import Library
from dcgan.studio.places import Places


@dataclass(frozen=True)
class Studio:
    """One studio.

    Parameters
    ----------
    library : Library
    jobs : Jobs
    places : Places
        Where the user's images may be.
    data_root : Path, optional
        The folder of datasets chosen by name.
    inside : Sessions
        Of the teaching page.
    """

    library: Library
    jobs: Jobs
    places: Places
    data_root: Path | None = None
    inside: Sessions = field(default_factory=Sessions)


def _studio(request: Request) -> Studio:
    found: Studio = request.app.state.studio
    return found


InStudio = Annotated[Studio, Depends(_studio)]
"""The studio of a request."""
