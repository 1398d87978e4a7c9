"""The connection to Retell: which keys are stored, whose workspace they belong to.

with open_api(organization.pk) as api:      # agents.connection.keys
    for agent in api.agents():
        …
"""
