"""Attacks on coming in, staying in, and on every URL, as somebody would carry them out.

What one page does for one person is tested beside it; here is what goes across them.
"""
