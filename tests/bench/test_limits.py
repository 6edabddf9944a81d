"""Limits are those of the machine."""

from __future__ import annotations

import torch

from dcgan.bench.limits import copy_rate, matrix_rate

CPU = torch.device("cpu")


def test_limits_are_positive_and_products_do_more_than_copies():
    assert matrix_rate(CPU, torch.float32) > copy_rate(CPU) > 1e8
