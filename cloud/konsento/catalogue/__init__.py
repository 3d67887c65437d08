"""What is for sale: tariffs with their power type and supplier."""
