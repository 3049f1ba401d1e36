"""Stage 2: how a network is fitted to the small labelled target."""
