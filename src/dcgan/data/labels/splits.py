"""Splits: which part of a dataset is for training, by the names of folders or files."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath

from dcgan.errors import ConfigError
from dcgan.runtime.split_names import ALIASES, ALL, AUTO, CANONICAL, TRAIN, canonical

_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
"""Words of ``seg_train``, ``train2017``, ``trainA`` and ``TRAIN``."""

_MOST_NAMED = 8


def split_of(name: str) -> tuple[str | None, tuple[str, ...]]:
    """The split that a folder's or file's name contains, and the other words of the name.

    >>> split_of("train2017"), split_of("testA"), split_of("red")
    (('train', ()), ('test', ('a',)), (None, ('red',)))
    """
    words = [word.lower() for word in _WORD.findall(name)]
    found = [word for word in words if word in CANONICAL]
    if len(found) != 1:
        return None, tuple(words)
    return CANONICAL[found[0]], tuple(word for word in words if word != found[0])


def splits_among(names: Iterable[str]) -> dict[str, str]:
    """The split of each name of one level of folders; empty if the names are no splits.

    Names are splits if two differ only in the split: ``train`` among ``bus`` and ``tram`` is a
    class. Other names among splits, such as ``unlabeled``, are splits of their own.

    >>> splits_among(["train", "test", "extra"])
    {'train': 'train', 'test': 'test', 'extra': 'extra'}
    >>> splits_among(["train", "tram"])
    {}
    """
    found = {name: split_of(name) for name in names}
    by_stem: dict[tuple[str, ...], set[str]] = {}
    for split, stem in found.values():
        if split is not None:
            by_stem.setdefault(stem, set()).add(split)
    paired = {stem for stem, splits in by_stem.items() if len(splits) > 1}
    if not paired:
        return {}
    return {
        name: split if split is not None and stem in paired else name
        for name, (split, stem) in found.items()
    }


def in_order(counts: Mapping[str, int]) -> dict[str, int]:
    """Sort splits: train, val, test, then others by name."""
    order = [*(split for split in ALIASES if split in counts), *sorted({*counts} - {*ALIASES})]
    return {split: counts[split] for split in order}


def split_level(folders: Iterable[Sequence[str]]) -> tuple[int, dict[str, str]] | None:
    """The outermost level of folders that are splits, and the split of each name there."""
    levels: list[set[str]] = []
    for parts in folders:
        for depth, part in enumerate(parts):
            if depth == len(levels):
                levels.append(set())
            levels[depth].add(part)
    for depth, names in enumerate(levels):
        found = splits_among(sorted(names))
        if found:
            return depth, found
    return None


def choose(counts: Mapping[str, int], wanted: str, name: str, things: str) -> set[str]:
    """The splits to use, by the setting ``data.split``; raises ``ConfigError`` without that split.

    ``auto`` is ``train`` if there is one, else all. ``name`` is the dataset, and ``things`` are
    what is counted, in messages.
    """
    wanted = canonical(wanted)
    if wanted == ALL or (wanted == AUTO and TRAIN not in counts):
        return set(counts)
    if wanted == AUTO:
        return {TRAIN}
    if wanted in counts:
        return {wanted}
    first = ", ".join(
        f"{split} ({count:,} {things})" for split, count in list(counts.items())[:_MOST_NAMED]
    )
    raise ConfigError(
        "data.split", wanted, f"{name} has the splits {first}. Use one of them, or all"
    )


def refuse_split(wanted: str, name: str) -> None:
    """Raise ``ConfigError`` if a split of a dataset without splits is chosen."""
    if wanted not in {AUTO, ALL}:
        raise ConfigError("data.split", wanted, f"{name} has no splits. Leave it out, or use all")


def splits_note(counts: Mapping[str, int], used: set[str], things: str) -> str:
    """A note about the splits of a dataset and the ones that are used."""
    listed = ", ".join(f"{split} {count:,}" for split, count in list(counts.items())[:_MOST_NAMED])
    others = [split for split in counts if split not in used][:_MOST_NAMED]
    if not others:
        return f"splits ({things}): {listed}; all are used. `data.split=NAME` uses one"
    choices = ", ".join([*others, ALL])
    return (
        f"splits ({things}): {listed}; {', '.join(sorted(used))} is used."
        f" `data.split` chooses another: {choices}"
    )


def choose_files(files: Sequence[str], wanted: str, name: str) -> tuple[list[str], list[str], bool]:
    """Choose the Parquet files or tar shards of a split, by their paths or addresses.

    Returns the files, notes, and whether the names contain splits.
    """
    # the last part without its ending counts as a level too: train-00000-of-00002
    paths = [PurePosixPath(file.replace("\\", "/")) for file in files]
    parts = [(*path.parts[:-1], path.stem) for path in paths]
    found = split_level(parts)
    if found is None:
        return list(files), [], False
    depth, split_by_name = found
    splits = [split_by_name[part[depth]] if len(part) > depth else "" for part in parts]
    counts = in_order(Counter(split for split in splits if split))
    used = choose(counts, wanted, name, "files")
    kept = [file for file, split in zip(files, splits, strict=True) if split in used]
    return kept, [splits_note(counts, used, "files")], True
