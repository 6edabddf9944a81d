"""Image files → pixels: decoding, colors, value ranges and fitting to a size."""
