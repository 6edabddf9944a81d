"""The existing path or name that is most similar to a wrong one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from difflib import SequenceMatcher
from itertools import islice
from pathlib import Path

_LIKE = 0.6
"""Ratio of common letters from which names are similar, as difflib recommends."""

_MOST_ENTRIES = 2_000
"""Entries of a folder that are compared; a folder may have a million images."""


def nearest_name(wrong: str, known: Iterable[str], ratio: float = _LIKE) -> str | None:
    """The most similar name, ignoring case, or one that begins with the wrong one.

    ``ratio`` is that of common letters from which names are similar.
    """
    folded = wrong.casefold()

    def likeness(name: str) -> float:
        other = name.casefold()
        begins = len(folded) > 2 and other.startswith(folded)
        return max(0.9 if begins else 0.0, SequenceMatcher(None, folded, other).ratio())

    best = max(((likeness(name), name) for name in known), default=(0.0, ""))
    return best[1] if best[0] >= ratio else None


def nearest_path(wrong: Path, is_usable: Callable[[Path], bool] = bool) -> Path | None:
    """The path with each missing part replaced by the most similar name there.

    ``is_usable`` tells which paths may be suggested, by default all.
    """
    found = Path(wrong.anchor) if wrong.is_absolute() else Path()
    parts = wrong.parts[1:] if wrong.is_absolute() else wrong.parts
    for place, part in enumerate(parts):
        if not exists(found / part):
            names = _names_in(found)
            if place == len(parts) - 1:
                names = [name for name in names if is_usable(found / name)]
            name = nearest_name(part, names)
            if name is None:
                return None
            part = name  # noqa: PLW2901
        found /= part
    return found if found != wrong else None


def exists(path: Path) -> bool:
    """Whether a path exists; also True if permissions hide it."""
    try:
        return path.exists()
    except PermissionError:
        return True
    except OSError:  # such as a name that is too long
        return False


def _names_in(folder: Path) -> list[str]:
    try:
        entries = (entry.name for entry in folder.iterdir())
        return [name for name in islice(entries, _MOST_ENTRIES) if not name.startswith(".")]
    except OSError:
        return []
