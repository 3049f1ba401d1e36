"""DOC data"""
