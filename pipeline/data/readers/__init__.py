"""Readers of expression data sets, one module a format."""
