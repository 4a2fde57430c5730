"""Pure maths: small functions with hand-computed tests."""
