"""Stage 4: what in a picture a network decided by."""
