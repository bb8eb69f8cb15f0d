"""What a test puts into the account behind the tool's back: leftovers, neighbours, strangers, full buckets."""

from . import foreign, guardduty, karpenter, leak, leftovers, neighbours, objects  # noqa: F401
