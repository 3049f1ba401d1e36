"""Networks: an architecture becomes a Keras model with weights.

options        what of a network a recipe chooses; `Architecture`
architecture   backbones, heads, parts of networks; each built once
cache          one object per architecture
weights        drawn, loaded and saved
inference      forward passes in batches
features       features at a layer; a head on stored features
backbones      the networks themselves
"""
