"""Recipes: an experiment as a TOML file, met with data, becomes tasks.

recipe   the keys that all stages share
chain    how a network came to be
study    a recipe met with data
plan     the tasks of all stages
"""
