"""Other suppliers at the same outlets, and portals: what they sell, and how drivers go to and fro."""
