"""Data: from a manifest to a prepared set, and from there to a split on disk.

options        the keys of a recipe that describe targets, sources and splits
budget         label budgets, and the rows of a fold that each of them keeps
manifest       what a data set is: one TOML file
new_manifest   a draft manifest for a user's folder, with the assumptions made
readers        from a manifest to records, one per image
images         pixels in, pixels out
prepared       a prepared set on disk, or a subset of it
preparing      decodes a set into its folder
sizes          the sizes of images as they are, and the side to prepare them at
pool           one or several prepared sets, used as one
image_store    images by row number, read from files
dataset        rows of a pool with their classes and groups
folds          assigns images to training, validation and test, as a table
matching       pairs of images that share landmarks
windows        images that are parts of others
evidence       how likely two registered images are one picture
duplicates     identical and nearly identical images
leakage        what is on both sides of a split
audit          the findings of `indomain data check`
export         writes a set's images for models that this package cannot run
croissant      describes a set, and how a recipe splits it, for machines
features_file  features of images that were computed elsewhere
split          a split on disk: all that a stage needs to know about the data
domains        labelled sets beside a target without labels
request        the request for a split: everything that decides how it is drawn
drawing        draws a split and writes its files
gate           finds a split on disk, or draws and checks it
"""
