"""Trained models from and for other programs: take one out, open it again, bring one in.

- :mod:`~dcgan.exchange.write`: one function for all formats
- :mod:`~dcgan.exchange.weights`, :mod:`~dcgan.exchange.card`: a folder of weights with a model card
- :mod:`~dcgan.exchange.standalone`: the networks as other programs use them
- :mod:`~dcgan.exchange.onnx_file`, :mod:`~dcgan.exchange.program`: as ONNX, as a PyTorch program
- :mod:`~dcgan.exchange.web`: as a page that runs the generator in a browser
- :mod:`~dcgan.exchange.checks`: does the exported file compute the same?
- :mod:`~dcgan.exchange.open`: open a model from a folder or the Hugging Face hub
- :mod:`~dcgan.exchange.importing`: files of weights become a run folder
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcgan.lazily import lazily

if TYPE_CHECKING:
    from dcgan.exchange.importing import import_model
    from dcgan.exchange.open import load
    from dcgan.exchange.result import Exported
    from dcgan.exchange.write import export

__all__ = ["Exported", "export", "import_model", "load"]

__getattr__, __dir__ = lazily(
    __name__,
    {
        "Exported": "dcgan.exchange.result",
        "export": "dcgan.exchange.write",
        "import_model": "dcgan.exchange.importing",
        "load": "dcgan.exchange.open",
    },
)
