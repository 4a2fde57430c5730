"""Ways to train, one per file."""

from pellucid.posttrain.native.methods.method import Auxiliary, Collected, Method
from pellucid.posttrain.native.methods.plain import Plain

__all__ = ["Auxiliary", "Collected", "Method", "Plain"]
