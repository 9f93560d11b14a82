"""Tables of what engines take on their command lines, made from their own wheels."""
