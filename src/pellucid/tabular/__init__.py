"""Finite problems."""
