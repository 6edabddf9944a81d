"""Subjects of the labs of this package, and explanations of the terms of a claim."""

from __future__ import annotations

import re
from functools import cache
from importlib import resources
from typing import Any

from dcgan.plain_yaml import load_yaml


def subjects() -> dict[str, str]:
    """The subject of each lab of this package, in the order in which lists show the labs."""
    found: dict[str, list[str]] = _overview()["subjects"]
    return {lab: subject for subject, labs in found.items() for lab in labs}


def terms_of(claim: str) -> dict[str, str]:
    """The terms in a claim, each with an explanation; a longer term hides those within it.

    >>> list(terms_of("Leaky ReLU is better than batch norm."))
    ['leaky ReLU', 'batch norm']
    """
    terms: dict[str, str] = _overview()["terms"]
    found, left = set(), claim
    for term in sorted(terms, key=len, reverse=True):
        left, count = re.subn(rf"\b{re.escape(term)}(e?s)?\b", "|", left, flags=re.IGNORECASE)
        if count:
            found.add(term)
    return {term: about for term, about in terms.items() if term in found}


@cache
def _overview() -> dict[str, Any]:
    text = resources.files("dcgan.labs").joinpath("overview.yaml").read_text(encoding="utf-8")
    found: dict[str, Any] = load_yaml(text)
    return found
