"""Use what was learnt: from a photograph to faces, their points, regions and expressions, without torch."""
