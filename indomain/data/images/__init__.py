"""Images: pixels in, pixels out.

decoding        a file of any format as uint8
resizing        sizes and channels
hashing         exact and perceptual digests
patches         a large image cut into squares
corruptions     ten corruptions in five severities
confounders     a burnt-in marker that goes with the label
phantom         synthetic radiographs
phantom_atlas   their anatomy
"""
