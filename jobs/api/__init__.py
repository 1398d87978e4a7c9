"""Long work for programs, which ask how far it is."""
