"""Sources of images: paths, addresses and names, each kind in a file of its own."""
