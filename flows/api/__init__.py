"""What `import docmill` gives to flows of one's own."""
