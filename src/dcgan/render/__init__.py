"""From arrays to pictures: sheets, curves, animations."""
