# Home Assistant puts probatio in place of voluptuous at run time and types its own functions with it;
# the checker has to know that as well.
from probatio import *  # noqa: F403  # it is the whole module
