"""Expression data sets: the type, a reader a format, twins, audit, splits and protocols."""
