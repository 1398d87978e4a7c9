"""Makes believable calls of two invented organizations. Plain Python: no Django in here."""
