"""Mails, and the invitations in them."""
