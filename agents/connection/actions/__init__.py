"""What people change about the connection to Retell."""
