"""What predictions are worth: scores, calibration, significance, fusion."""
