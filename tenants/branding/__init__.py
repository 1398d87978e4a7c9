"""How an organization looks: its accent colour and its logo."""
