"""The grid's supply and demand: what is forecast by region, and when charging is recommended ([0173] to [0177])."""
