"""What every part of the API shares: problems, pages, identity, manners, its document."""
