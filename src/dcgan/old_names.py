"""Earlier names of settings and values, which recipes and run folders of earlier versions hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def with_new_names(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The same nested settings in the names of today. A new name wins over the old one.

    >>> with_new_names({"seed": 1, "metrics": {"measure": "kernel"}})
    {'seed': 1, 'metrics': {'metric': 'kernel'}}
    """
    renamed = dict(settings)
    metrics, augment = renamed.get("metrics"), renamed.get("augment")
    if isinstance(metrics, Mapping) and "measure" in metrics:
        others = {key: value for key, value in metrics.items() if key != "measure"}
        renamed["metrics"] = {"metric": metrics["measure"]} | others
    if isinstance(augment, Mapping) and isinstance(augment.get("policy"), str):
        renamed["augment"] = {**augment, "policy": policy_of_today(augment["policy"])}
    return renamed


def policy_of_today(policy: str) -> str:
    """An augmentation policy, whose ``colour`` is ``color`` today."""
    return policy.replace("colour", "color")
