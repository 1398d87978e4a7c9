"""Sums of calls, kept so that numbers of a period cost the same however many calls there are.

`adding` keeps them, from the marks that each change to a call leaves (`calls.changes`);
`reading` takes what is marked from the calls themselves. So what is read is exact at any time,
and the job only makes reading cheap again. See docs/adr/0008-exact-sums.md.
"""
