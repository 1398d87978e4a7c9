"""Two invented organizations and their believable calls.

What makes the calls is plain Python. Only `loading`, `bulk`, `removing`, `people`, `lines` and
`in_process` know the product.
"""
