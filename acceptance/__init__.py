"""The article replayed: a Linux of its own with IPVS, in it the network and keepalived."""
