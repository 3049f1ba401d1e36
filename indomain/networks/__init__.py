"""DOC networks"""
