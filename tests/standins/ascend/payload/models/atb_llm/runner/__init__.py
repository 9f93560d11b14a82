"""What a rank of the server imports."""
