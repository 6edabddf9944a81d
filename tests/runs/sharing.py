"""Run by torchrun in several processes: samples RUN into OUT and measures it, as commands do."""

import json
import sys
from pathlib import Path

import dcgan
from dcgan.evaluation.evaluate_runs import evaluate
from dcgan.latent.choice import Choice
from dcgan.latent.sample import write_samples
from dcgan.metrics.extractor import Extractor
from dcgan.runtime.ranks import joined


def main():
    run, out = sys.argv[1], Path(sys.argv[2])
    looked_at = []
    look = Extractor._batch_of
    Extractor._batch_of = lambda self, part: looked_at.append(len(part)) or look(self, part)
    with joined() as ranks:
        opened = dcgan.open_run(run, ranks=ranks)
        passes = []
        opened._fast_generator.register_forward_hook(lambda *_: passes.append(1))
        write_samples(opened, 150, out / "samples.npz", Choice(seed=4))
        drawn = len(passes)
        (found,) = evaluate([opened], extractor="random", images=300, seed=2)
        report = {"evaluation": found.to_json(), "drawn": drawn, "looked_at": len(looked_at)}
        (out / f"{ranks.rank}.json").write_text(json.dumps(report))


if __name__ == "__main__":
    main()
