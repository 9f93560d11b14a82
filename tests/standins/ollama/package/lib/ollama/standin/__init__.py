"""What the stand-in is made of; of the real one, only libraries lie beside."""
