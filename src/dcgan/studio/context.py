"""What all routes share: the folder, its runs, jobs and allowed places."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from fastapi import Depends, Request

from dcgan.errors import DcganError
from dcgan.runs.folder import RunFolder
from dcgan.runs.settings import section_of, stored_settings
from dcgan.runtime.built_in import model_names
from dcgan.runtime.datasets import DATASETS
from dcgan.studio.inside.sessions import Sessions
from dcgan.studio.jobs import Jobs
from dcgan.studio.library import Library
from dcgan.studio.places import Places
from dcgan.studio.problems import Problem, no_run


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
            raise no_run()
        return path

    def refuse_foreign_data(self, path: Path) -> None:
        """Raise ``Problem`` if the settings of a run name data that the page may not choose.

        Runs are copied: a stranger's settings may name any file of this machine, or an address.
        """
        with suppress(DcganError):
            settings = stored_settings(RunFolder(path))
            data, start = (section_of(settings, name) for name in ("data", "start"))
            for section, key in (
                (data, "source"),
                (data, "root"),
                (data, "labels"),
                (start, "weights"),
            ):
                value = section.get(key)
                if value is not None and value not in _HARMLESS and value != str(self.data_root):
                    self.places.allowed(str(value))


_HARMLESS = {*DATASETS, *model_names(), "auto", "none"} - {"hub", "lsun"}
"""Values that name no file."""


def _studio(request: Request) -> Studio:
    found: Studio = request.app.state.studio
    return found


InStudio = Annotated[Studio, Depends(_studio)]
"""The studio of a request."""
