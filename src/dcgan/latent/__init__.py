"""What one does with a trained generator's latent space."""

from dcgan.latent.sample import write_samples

__all__ = ["write_samples"]
