"""Episodes, collecting them, and branching from any step of them."""
