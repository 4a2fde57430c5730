"""What `import pellucid as pl` offers."""
