"""Code that only one published system needs, one file or folder each."""
