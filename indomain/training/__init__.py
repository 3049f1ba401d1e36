"""DOC training"""
