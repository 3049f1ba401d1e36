"""Training: a model and batches become weights and a log.

options        the keys of a recipe that say how a network learns
augmentation   named augmentations
elastic        elastic deformation as a layer
batches        examples, and batches that a resumed run sees again
model          the training model, compiled once and reset
trainer        epochs that survive a kill
classifier     cross-entropy on a linear head
"""
