"""Several commands dcgan one after the other, in processes that import PyTorch once.

torchrun ... in_turn.py '[["train", ...], ["train", ...]]'
"""

import json
import os
import sys

from dcgan.cli.main import main

if __name__ == "__main__":
    commands = json.loads(sys.argv[1])
    for start, words in enumerate(commands):
        # the processes find each other anew, as after a restart
        os.environ["TORCHELASTIC_RESTART_COUNT"] = str(start)
        sys.argv = ["dcgan", *words]
        try:
            main()
        except SystemExit as ended:
            if ended.code:
                raise
