"""Trained models from and for other programs."""
