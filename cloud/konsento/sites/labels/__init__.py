"""Printed labels of outlets: one geometry, written as PDF or SVG."""

from konsento.kit.paper.pdf import as_pdf
from konsento.sites.labels.label import Label, labels_of
from konsento.sites.labels.sheets import LAYOUTS, Layout, pages_of
from konsento.sites.labels.svg import as_svg

__all__ = ["LAYOUTS", "Label", "Layout", "as_pdf", "as_svg", "labels_of", "pages_of"]
