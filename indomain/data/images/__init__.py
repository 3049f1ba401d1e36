"""DOC data/images"""
