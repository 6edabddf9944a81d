"""Training speed of this machine, compared with the standard PyTorch DCGAN example."""
