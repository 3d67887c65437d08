"""Sites and outlets: where they are, how they are found, who may dial in for them, whether they can be used now."""
