"""Metrics of anything that can be sampled, each with the score of real images for comparison."""
