"""Use cases against the real record, with committed data: people at the same moment, repeats, walls and numbers."""
