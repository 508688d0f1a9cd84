"""What trained classifiers look at: the worth of each part of the face, their filters, activations and saliency."""
