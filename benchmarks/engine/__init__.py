"""The engine against what one would pick instead. Needs torch and transformers alone."""
