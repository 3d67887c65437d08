"""What the tests of a site share."""
