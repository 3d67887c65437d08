"""From measured energy to a paid bill, exactly once. Driven by due work; never calls charging."""
