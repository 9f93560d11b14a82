"""What the stand-in is made of; the real LMDeploy has no such package."""
