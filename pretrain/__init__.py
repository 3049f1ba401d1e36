"""Stage 1: what a network learns from a source before it meets the target."""
