"""Data: a manifest becomes a prepared set, and that a split on disk.

options        the keys of a recipe that describe targets, sources and splits
budget         label budgets, and what is left of a fold under one
manifest       what a data set is: one TOML file
new_manifest   a manifest for a folder, written by looking at it
readers        from a manifest to records, one per image
images         pixels in, pixels out
prepared       a prepared set on disk, or a subset of it
preparing      decoding a set into its folder
pool           one prepared set or several as one
image_store    images by row, read from files
dataset        rows of a pool with their classes and groups
folds          which images train, choose and test, as a table
duplicates     equal and nearly equal images
leakage        what is on both sides of a split
audit          the findings of `indomain data check`
split          a split on disk: the only view of the data that a stage needs
request        a split that is asked for
drawing        a split that is drawn
gate           a split found, or drawn and checked
"""
