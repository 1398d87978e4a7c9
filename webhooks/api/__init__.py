"""Deliveries for programs."""
