"""What the engine computes itself on a CPU, in C: attention over the cache, and whole layers."""
