"""Images: pixels in, pixels out.

decoding        image files of any format as uint8
dicom           DICOM files
nifti           slices of NIfTI volumes
values          values of any range as 0–255
resizing        sizes and channels
contrast        grey values that do not depend on the device
hashing         digests of pixels
landmarks       blobs with descriptions that survive copying
registration    affine maps between thumbnails
patches         large images cut into squares
corruptions     ten corruptions in five severities
confounders     a burnt-in marker that is correlated with the label
sheets          many images side by side
phantom         synthetic radiographs
phantom_atlas   the anatomy of the phantoms
"""
