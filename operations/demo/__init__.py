"""Two invented organizations and their believable calls.

What makes the calls is plain Python; only `loading` and `feeding` know the product.
"""
