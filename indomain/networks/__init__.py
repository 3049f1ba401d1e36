"""Networks: turns an architecture into a Keras model with weights.

options            the recipe's keys for a network; `Architecture`
architecture       backbones, heads and parts of networks, each built once
cache              one object per architecture
weights            weights: initialised, loaded and saved
weights_manifest   published weights: where they are, how images are brought to them, what they were trained on
arithmetic         how large and how fast a network is
inference          forward passes in batches
scoring            from images to scores
calibration        scores as probabilities: a temperature
seen               which images a model has learnt from, and what they are like
features           features at a layer; a head on stored features
feature_sets       two sets of images compared by features
backbones          the networks themselves
"""
