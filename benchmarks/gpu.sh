#!/bin/sh
# Measure on one CUDA GPU, in at most 10 minutes, what this project claims about GPUs or could claim.
#
#     benchmarks/gpu.sh OUT [--device cuda:1] [--minutes 9] [--data-root DIR] [--images cifar10]
#         [--only PART ...]
#
# Writes OUT/gpu.md and one JSON file for each part. PYTHON names the Python that has PyTorch and the
# other dependencies; `dcgan` itself need not be installed. A part that fails or takes too long is a
# row of the table. With `--device cpu --quick` it checks itself in seconds, with tiny networks.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
export PYTHONPATH="$here/../src:$here${PYTHONPATH:+:$PYTHONPATH}"
export DCGAN_OFFLINE=1  # a download would take the time of the measurement
exec "${PYTHON:-python3}" "$here/gpu.py" "$@"
