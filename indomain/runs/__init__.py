"""DOC runs"""
