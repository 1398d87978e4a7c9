"""How the running product is: each module measures one subject and says it in a sentence.

`/health/ready`, `deploy_check`, the system page and the readiness page show the same measurements;
none of them decides anew what well means.
"""

from operations.health.measurement import Measurement

__all__ = ["Measurement"]
