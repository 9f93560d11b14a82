"""Plain pyinfra doing nothing, as often as a run of ours does."""
