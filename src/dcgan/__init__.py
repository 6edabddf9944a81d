"""Train DCGANs on your own images, generate images, and evaluate the results::

    import dcgan

    run = dcgan.train("path/to/images", minutes=10)
    images = run.sample(64, seed=1)             # uint8 (64, C, H, W)
    run = dcgan.open_run("runs/digits-auto")

``docs/guide/python.md`` lists all public names. The command ``dcgan`` does the same from the
shell; ``dcgan --help`` lists its commands.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcgan.lazily import lazily

if TYPE_CHECKING:
    from dcgan import augment, data, errors, latent, metrics, models, objectives, probe
    from dcgan.config import RunConfig, list_recipes
    from dcgan.data import open_source
    from dcgan.evaluation.evaluate_runs import evaluate
    from dcgan.evaluation.evaluator import Evaluation
    from dcgan.exchange import Exported, export, import_model, load
    from dcgan.labs import LabResult, list_labs, run_lab
    from dcgan.report import write_report
    from dcgan.runs import Run, open_run
    from dcgan.runtime.built_in import list_models
    from dcgan.runtime.reporting import Reporter
    from dcgan.training import prepare, train
    from dcgan.training.own_loop import GAN, build, recipe

__version__ = "0.1.0"
__all__ = [
    "GAN",
    "Evaluation",
    "Exported",
    "LabResult",
    "Reporter",
    "Run",
    "RunConfig",
    "augment",
    "build",
    "data",
    "errors",
    "evaluate",
    "export",
    "import_model",
    "latent",
    "list_labs",
    "list_models",
    "list_recipes",
    "load",
    "metrics",
    "models",
    "objectives",
    "open_run",
    "open_source",
    "prepare",
    "probe",
    "recipe",
    "run_lab",
    "train",
    "write_report",
]

_MODULES = ("augment", "data", "errors", "latent", "metrics", "models", "objectives", "probe")

__getattr__, __dir__ = lazily(
    __name__,
    {name: f"dcgan.{name}" for name in _MODULES}
    | {
        "Evaluation": "dcgan.evaluation.evaluator",
        "evaluate": "dcgan.evaluation.evaluate_runs",
    }
    | dict.fromkeys(("Run", "open_run"), "dcgan.runs")
    | dict.fromkeys(("Exported", "export", "load"), "dcgan.exchange")
    | dict.fromkeys(("RunConfig", "list_recipes"), "dcgan.config")
    | dict.fromkeys(("prepare", "train"), "dcgan.training")
    | dict.fromkeys(("GAN", "build", "recipe"), "dcgan.training.own_loop")
    | dict.fromkeys(("LabResult", "list_labs", "run_lab"), "dcgan.labs")
    | {
        "import_model": "dcgan.exchange",
        "list_models": "dcgan.runtime.built_in",
        "write_report": "dcgan.report",
        "Reporter": "dcgan.runtime.reporting",
        "open_source": "dcgan.data",
    },
)
