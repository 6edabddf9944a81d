"""How fast this machine trains, beside the loop everybody copies and beside its own limits."""
