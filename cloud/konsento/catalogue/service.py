"""What the other domains ask the catalogue for: what is sold at outlets, tariffs, contracts, power types."""

from konsento.catalogue.offers import Offer, OnSale, offers_of, on_sale
from konsento.catalogue.power import power_tree
from konsento.catalogue.suppliers import contract_in_force
from konsento.catalogue.tariffs import following_of, price_of, tariff_in_force, tariffs_from, tariffs_in_force

__all__ = [
    "Offer",
    "OnSale",
    "contract_in_force",
    "following_of",
    "offers_of",
    "on_sale",
    "power_tree",
    "price_of",
    "tariff_in_force",
    "tariffs_from",
    "tariffs_in_force",
]
