"""One run as one page: what is in the run folder, gathered as plain content for a template."""

from __future__ import annotations

from dcgan.report.compare_page import write_comparison
from dcgan.report.write import write_finished, write_report

__all__ = ["write_comparison", "write_finished", "write_report"]


def __dir__() -> list[str]:
    return __all__
