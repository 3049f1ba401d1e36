"""Stage 5: the table, its figures and its page."""
