"""Regions of the face: how they are defined, where they lie, and images cut to them."""
