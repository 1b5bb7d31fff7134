"""Datasets as folders: planned, laid out, described, checked. Paths in, files out; nothing else of PPI."""
