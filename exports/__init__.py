"""Files that people take along: CSV, spreadsheets and reports of what a filter shows.

Made by a job, kept for seven days in the organization's own schema (docs/adr/0007), downloaded by
whoever has the right at that moment.
"""
