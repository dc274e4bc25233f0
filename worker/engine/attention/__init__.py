"""How transformers calls attention of ours, and attention over the cache by torch's operations."""
