"""A plug-in of pellucid: one explainer and one metric, as small as they can be."""
