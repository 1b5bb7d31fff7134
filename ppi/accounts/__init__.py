"""Accounts: who there is, what they may do, how they prove it."""
