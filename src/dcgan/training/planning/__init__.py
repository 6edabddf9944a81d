"""What is decided before the first step, from settings, dataset and machine; runs no step."""
