"""Learning a low-rank model by contrast, with a bonus that says what has been seen too little."""
