"""DOC artifacts"""
