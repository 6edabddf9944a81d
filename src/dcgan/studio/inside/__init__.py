"""The teaching page: a small DCGAN that is trained step by step, with all its tensors in view."""
