"""Training: turns a model and batches into trained weights and a log.

options            the recipe's keys for how a network learns
registry           the augmentations by name
augmentation       their layers
elastic            elastic deformation as a layer
batches            examples, and batches that come in the same order after a restart
model              the training model, compiled once and reset
trainer            the training loop, which survives a kill
classifier         cross-entropy on a linear head
second_head        a second head on the same features, of the source's classes
deep_supervision   heads inside the network, while it learns
"""
