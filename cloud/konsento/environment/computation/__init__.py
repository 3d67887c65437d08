"""The computation system: from anonymous measurements to greenhouse gases by region, power type and supplier."""
