"""Serve generated images over HTTP from an ONNX file, without PyTorch and without dcgan.

    dcgan export RUN --to onnx --out model.onnx
    pip install numpy onnxruntime
    python serve_onnx.py model.onnx --port 8000

http://localhost:8000/?seed=7 is one image as PNG; a model with classes also takes label=NAME, and
one with codes code_1=3. The same seed gives the same image.
"""

from __future__ import annotations

import argparse
import json
import struct
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import numpy as np
import onnxruntime


class Model:
    """An exported generator. The file says itself what it takes."""

    def __init__(self, path: str) -> None:
        self.session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        about = self.session.get_modelmeta().custom_metadata_map
        if about.get("part") != "generator" or about.get("pixels") != "uint8":
            raise SystemExit(f"{path}: not a generator of uint8 images by dcgan export --to onnx")
        self.dim = int(about["latent_dim"])
        self.is_normal = about["latent_distribution"] == "normal"
        self.classes = json.loads(about.get("classes", "[]"))
        self.shares = json.loads(about.get("class_shares", "[]"))
        codes = json.loads(about.get("codes", "{}"))
        self.categorical = codes.get("categorical", [])
        self.continuous = codes.get("continuous", 0)

    def generate(self, seed: int = 0, **conditions: str) -> np.ndarray:
        """One image, uint8 (C, H, W). Conditions that are not given are random."""
        random = np.random.default_rng(seed)
        noise = random.standard_normal if self.is_normal else lambda n: random.uniform(-1, 1, n)
        inputs = {"latent": noise(self.dim)}
        if self.classes:
            inputs["label"] = random.choice(len(self.classes), p=_normalized(self.shares))
        for number, values in enumerate(self.categorical, 1):
            inputs[f"code_{number}"] = random.integers(values)
        for number in range(self.continuous):
            inputs[f"code_{len(self.categorical) + number + 1}"] = random.uniform(-1, 1)
        for name, value in conditions.items():
            if name not in inputs or name == "latent":
                raise ValueError(f"this model has no {name}")
            if name == "label":
                inputs[name] = self.classes.index(value)  # ValueError: no such class
            else:
                is_whole = isinstance(inputs[name], np.integer)
                inputs[name] = np.int64(value) if is_whole else float(value)
        batch = {
            name: np.asarray([value], "int64" if isinstance(value, int | np.integer) else "float32")
            for name, value in inputs.items()
        }
        return self.session.run(["image"], batch)[0][0]


def png(image_CHW: np.ndarray) -> bytes:
    """An image of 1 to 4 channels as PNG."""
    channels, height, width = image_CHW.shape
    rows = np.moveaxis(image_CHW, 0, 2).reshape(height, width * channels)
    rows = np.pad(rows, ((0, 0), (1, 0)))  # each row begins with the number of its filter
    data = zlib.compress(rows.tobytes())
    color_type = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    header = struct.pack(">IIBBBBB", width, height, 8, color_type, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", data), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in chunks
    )


def server(model: Model, port: int) -> ThreadingHTTPServer:
    """A server on this machine; ``port`` 0 chooses a free one."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            try:
                asked = dict(parse_qsl(urlsplit(self.path).query))
                body = png(model.generate(int(asked.pop("seed", 0)), **asked))
                status, kind = 200, "image/png"
            except ValueError as error:
                status, kind, body = 400, "text/plain; charset=utf-8", str(error).encode()
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Print no line for each request."""

    return ThreadingHTTPServer(("127.0.0.1", port), Handler)


def _normalized(shares: list[float]) -> np.ndarray:
    return np.asarray(shares) / sum(shares)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Serve images of an exported generator.")
    parser.add_argument("model", help="a file of dcgan export --to onnx")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--save", help="write one image into this PNG file instead of serving")
    arguments = parser.parse_args()
    loaded = Model(arguments.model)
    if arguments.save:
        Path(arguments.save).write_bytes(png(loaded.generate()))
    else:
        print(f"http://localhost:{arguments.port}/?seed=0")
        server(loaded, arguments.port).serve_forever()
