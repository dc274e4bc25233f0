"""Attention over the cache's blocks: our own kernel, or torch's operations where it can't run."""
