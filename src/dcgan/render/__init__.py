"""Sheets, curves, animations and pages from arrays and numbers."""
