"""Whether this installation is ready for production: measured where it can be, else signed off.

`vocabulary` names categories, phases and states; `categories/` holds the items, a module each;
`assessment` puts measurements and signatures together; `actions` writes.
"""
