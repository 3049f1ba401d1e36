"""DOC commands"""
