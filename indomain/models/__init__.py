"""Models: what a recipe has trained, as files that can be used elsewhere, and used here on new images.

choosing     a finished run of a recipe, by its coordinates
exporting    a finished run becomes a folder with everything that is needed to use it
card         the page that goes with it
predicting   scores of new images
"""
