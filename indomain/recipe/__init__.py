"""Recipes: an experiment as a TOML file, which is combined with data and expanded into tasks.

recipe      the keys that all stages share
chain       a network's initial weights and the pretraining steps after them
beginning   what a chain starts from, and what is known of it
study       a recipe together with its data
plan        the tasks of all stages
"""
