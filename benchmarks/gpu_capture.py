"""Experiments: a whole step as one CUDA graph, and networks compiled by PyTorch.

Training uses neither. On devices other than CUDA GPUs, both leave the update as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch

from dcgan.bench.contest import WARM_UP, Update
from dcgan.training.rules import Batch, Players, Statistics


def graphed(players: Players, update: Update, example: Batch) -> Update:
    """The same update, captured as one CUDA graph and then replayed.

    A graph repeats the same kernels on the same memory. So all batches need the shapes of
    ``example``, and everything that Python decides must stay the same: learning rates, what is due
    in a step, and whether images are augmented. Capturing needs ``WARM_UP`` updates, which are made
    with ``example``. The statistics of an update are overwritten by the next one.
    """
    class_BK = None if example.class_BK is None else example.class_BK.clone()
    held = Batch(example.real_BCHW.clone(), example.latent_BZ.clone(), class_BK)
    run: Callable[[], Statistics] = partial(update, held)
    if held.real_BCHW.device.type == "cuda":
        run = _captured(players, run, held.real_BCHW.device)
    else:
        for _ in range(WARM_UP):
            run()

    def replay(batch: Batch) -> Statistics:
        held.real_BCHW.copy_(batch.real_BCHW)
        held.latent_BZ.copy_(batch.latent_BZ)
        if held.class_BK is not None and batch.class_BK is not None:
            held.class_BK.copy_(batch.class_BK)
        return run()

    return replay


def compiled(players: Players, update: Update, example: Batch) -> Update:
    """The same update, with ``torch.compile(mode="reduce-overhead")`` for both networks."""
    if example.real_BCHW.device.type != "cuda":
        return update
    generator, discriminator = players.generator, players.discriminator
    generator.compile(mode="reduce-overhead")
    # the step calls ``features`` by itself, without ``forward``
    features = torch.compile(discriminator.features, mode="reduce-overhead")
    discriminator.features = features  # type: ignore[method-assign]

    def begin_and_update(batch: Batch) -> Statistics:
        torch.compiler.cudagraph_mark_step_begin()  # type: ignore[no-untyped-call]
        return update(batch)

    return begin_and_update


def _captured(
    players: Players, run: Callable[[], Statistics], device: torch.device
) -> Callable[[], Statistics]:
    """As in PyTorch's notes on CUDA graphs: warm up on another stream, capture, replay."""
    for optimizer in (players.generator_optimizer, players.discriminator_optimizer):
        for group in optimizer.param_groups:
            group["capturable"] = True  # Adam then counts its steps on the GPU
    with torch.cuda.device(device):
        stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(WARM_UP):
                run()
        torch.cuda.current_stream().wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        # a failed capture would leave its own stream as the current one, where all else would fail
        with torch.cuda.stream(torch.cuda.current_stream()), torch.cuda.graph(graph):
            statistics = run()

    def replay() -> Statistics:
        graph.replay()
        return statistics

    return replay
