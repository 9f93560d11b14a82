"""What the stand-in is made of; the real vLLM has no such package."""
