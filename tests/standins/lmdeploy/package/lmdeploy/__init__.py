"""Stand-in of LMDeploy: it refuses what LMDeploy refuses and answers from a table."""
