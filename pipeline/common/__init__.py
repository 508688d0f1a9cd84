"""What every package needs: safe files, devices, weights on disk, settings."""
