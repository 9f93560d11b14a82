"""Ways to start the server."""
