"""Who works here: members, their roles and what these may do, invitations, sign-in with a second factor."""
