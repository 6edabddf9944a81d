"""``torchrun``, with processes that are forked instead of started anew.

torchrun.py '{"nproc_per_node": 2, ...}' -m dcgan train ...

The first word holds arguments of ``torch.distributed.launcher.api.LaunchConfig``.
"""

import json
import signal
import sys
from uuid import uuid4

from torch.distributed.launcher.api import LaunchConfig, elastic_launch

from tests import processes

_OF_THE_WATCHER = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)
ALONE = {
    **{"min_nodes": 1, "max_nodes": 1, "max_restarts": 0},
    **{"rdzv_backend": "c10d", "rdzv_endpoint": "localhost:0"},
}
"""As with ``--standalone``."""


def work(words):
    """One of the processes."""
    for number in _OF_THE_WATCHER:
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        processes.run(words)
    except SystemExit as ended:
        if ended.code:
            raise


if __name__ == "__main__":
    asked, *words = sys.argv[1:]
    settings = {**ALONE, "run_id": str(uuid4()), **json.loads(asked)}
    elastic_launch(LaunchConfig(start_method="fork", **settings), work)(words)
