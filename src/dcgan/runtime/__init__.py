"""The machine: device, precision, random generators. Knows nothing of GANs."""
