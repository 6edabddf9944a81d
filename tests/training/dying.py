"""The command dcgan, of which one process is killed once there are some checkpoints.

torchrun ... dying.py FOLDER train ...

Fails if a thread that exchanges tensors is still there when the command has finished.
"""

import os
import signal
import sys
import threading
import time
from pathlib import Path

from dcgan.cli.main import main

ENOUGH = 3


def die_later(checkpoints: Path) -> None:
    while sum(path.is_dir() for path in checkpoints.glob("0*")) < ENOUGH:
        time.sleep(0.01)
    os.kill(os.getpid(), signal.SIGKILL)


def exchanging_threads() -> list[str]:
    """Names of gloo's threads in this process, on Linux."""
    names = [path.read_text() for path in Path("/proc/self/task").glob("*/comm")]
    return [name for name in names if "gloo" in name]


if __name__ == "__main__":
    folder = Path(sys.argv.pop(1))
    if (os.environ["RANK"], os.environ["TORCHELASTIC_RESTART_COUNT"]) == ("1", "0"):
        threading.Thread(target=die_later, args=(folder / "checkpoints",), daemon=True).start()
    try:
        main()
    except SystemExit as ended:
        if left := exchanging_threads():
            raise RuntimeError(f"threads outlive the command: {left}") from ended
        raise
