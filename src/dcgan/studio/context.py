"""What all routes share: the folder, its runs, jobs and allowed places."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from fastapi import Depends, Request

from dcgan.studio.inside.sessions import Sessions
from dcgan.studio.jobs import Jobs
from dcgan.studio.library import Library
from dcgan.studio.places import Places
from dcgan.studio.problems import Problem, not_found


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

    def run_folder(self, run: str) -> Path:
        """The folder of a run, also of one whose job has not written to it yet.

        Raises
        ------
        Problem
            There is neither a run nor a job of that identifier.
        """
        with suppress(Problem):
            return self.library.path(run)
        path = self.jobs.run_folder(run)
        if path is None:
            raise not_found("this run")
        return path


def _studio(request: Request) -> Studio:
    found: Studio = request.app.state.studio
    return found


InStudio = Annotated[Studio, Depends(_studio)]
"""The studio of a request."""
