"""Outgoing webhooks: an organization's own systems are told what happens here.

What happens is a message; each subscription that wants its topic gets a sending of it, and each
try to send it is an attempt. Integrators read docs/notices.md.
"""
