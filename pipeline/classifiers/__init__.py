"""Classifiers of expressions: networks, targets, augmentation, training, applying."""
