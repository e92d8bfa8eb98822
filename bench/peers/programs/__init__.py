"""What runs in the environment of a peer. These modules import the peer and the standard library, nothing of wfctl."""
