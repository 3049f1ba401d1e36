"""Recipes: an experiment as a TOML file, which is combined with data and expanded into tasks.

recipe      the keys that all stages share
chain       a network's initial weights and the pretraining steps after them
beginning   what a chain starts from, and what is known of it
overlap     whether an exported model has learnt from what a recipe tests on
study       a recipe together with its data
keys        every key with its help, and a JSON schema
plan        the tasks of all stages
"""
