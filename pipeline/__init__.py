"""fercrop's library: arrays in, arrays out. It knows nothing of DVC or of the command line."""
