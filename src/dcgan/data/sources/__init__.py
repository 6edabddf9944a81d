"""Where pictures come from: paths, addresses and names, each kind in a file of its own."""
