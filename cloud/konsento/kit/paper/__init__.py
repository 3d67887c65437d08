"""What is printed: pages of lines of text, rules and QR codes, in mm, written as PDF with the typeface in it."""
