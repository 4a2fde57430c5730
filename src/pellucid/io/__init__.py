"""Files: atomic writes, safe reading of model files, checksummed records."""
