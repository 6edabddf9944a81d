"""The interface that the page uses, one module for each part of the page."""
