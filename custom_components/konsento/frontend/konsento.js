// The module that Home Assistant loads: a dashboard for the owner of a site, and the cards that it is made of.

import "./environment-card.js";
import "./history-card.js";
import "./labels-card.js";
import "./outlet-card.js";
import "./power-card.js";
import "./strategy.js";
