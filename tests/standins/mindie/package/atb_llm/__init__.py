"""Stand-in of the models' library as a wheel brings it, its own library beside it."""
