"""A TorchScript file, checked before it is loaded.

TorchScript cannot call Python, but two of its operations read or write files, and some of its
classes open connections. A file that names any of those is refused.
"""

from __future__ import annotations

import io
import pickletools
import re
import warnings

import torch
from torch import nn

from dcgan.errors import DataError

_KNOWN = re.compile(
    r"code/.*\.py(\.debug_pkl)?|(data|constants|traced_inputs)(\.pkl|/\d+)|version|byteorder|\.data/\w+|extra/.*"
)

_WORD = re.compile(rb"[A-Za-z_]\w*")
_FORBIDDEN = {
    *(b"from_file", b"save", b"load_tensor"),  # files
    *(b"classes", b"c10d", b"_c10d_functional", b"_c10d_functional_autograd", b"symm_mem", b"rpc"),
    *(b"debugprims", b"inductor", b"_test"),
}
"""Names that no network needs. They count anywhere in the code, so that no notation hides them."""


def load_script(content: bytes) -> nn.Module:
    """The network of a file that ``torch.jit.save`` wrote.

    Raises ``DataError`` for another file, or if its code names more than operations on tensors.
    """
    refuse_unsafe(content)
    with warnings.catch_warnings():
        # TorchScript is deprecated, but still common
        warnings.simplefilter("ignore", DeprecationWarning)
        script: nn.Module = torch.jit.load(  # type: ignore[no-untyped-call]
            io.BytesIO(content), map_location="cpu"
        )
    return script.eval()


def refuse_unsafe(content: bytes) -> None:
    """Raise ``DataError`` for a file that is no TorchScript, or may do more than compute."""
    if not content.startswith(b"PK\3\4"):
        raise DataError("no archive of torch.jit.save")
    # the same reader that loads it: another one could see another archive
    reader = torch._C.PyTorchFileReader(io.BytesIO(content))
    names = reader.get_all_records()
    if "constants.pkl" not in names or not any(name.startswith("code/") for name in names):
        raise DataError("it contains no TorchScript")
    for name in names:
        if not _KNOWN.fullmatch(name):
            raise DataError(f"it contains {name!r}, which torch.jit.save does not write")
        record = reader.get_record(name)
        if name.endswith(".py"):
            forbidden = _FORBIDDEN & set(_WORD.findall(record))
            if forbidden:
                raise DataError(
                    f"its code names {min(forbidden).decode()!r}, which is no operation on tensors"
                )
        elif name.endswith("pkl"):
            _refuse_classes(name, record)


def _refuse_classes(name: str, record: bytes) -> None:
    """Refuse objects other than tensors, plain values, and classes of the file's own code."""
    try:
        for opcode, argument, _ in pickletools.genops(record):
            if opcode.name in {"STACK_GLOBAL", "INST", "EXT1", "EXT2", "EXT4"}:
                raise DataError(f"{name} in it contains {opcode.name}")
            if opcode.name == "GLOBAL" and "torch.classes" in str(argument).replace(" ", "."):
                raise DataError(f"{name} in it contains an object of {argument!r}")
    except ValueError as error:
        raise DataError(f"{name} in it is damaged ({error})") from error
