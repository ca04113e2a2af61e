"""Every morning: how far the lake is complete, what to look at again, and what the upstream has corrected. Pure."""
