"""DOC recipe"""
