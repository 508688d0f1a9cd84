"""Faces and their 68 points: 300-W, the landmark network, detectors, and how far to trust them."""
