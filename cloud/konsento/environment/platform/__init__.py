"""The cooperation platform: takes measurements, keeps them by region, integrates and forwards them."""
