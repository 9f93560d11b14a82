"""What a rank imports."""
