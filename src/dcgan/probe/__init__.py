"""The discriminator as a feature extractor, judged by a linear classifier."""
