"""Trained models from and for other programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcgan.lazily import lazily

if TYPE_CHECKING:
    from dcgan.exchange.importing import import_model

__all__ = ["import_model"]

__getattr__, __dir__ = lazily(__name__, {"import_model": "dcgan.exchange.importing"})
