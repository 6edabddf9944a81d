"""What a dataset is like before training: sizes, colors, duplicates, blank and damaged images."""
