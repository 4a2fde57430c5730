"""Claims: one file per published system, whose parts are run, judged and stored by the harness."""

REGISTRY = {
    "known-effects.large": "pellucid.claims.known_effects",
    "known-effects.small": "pellucid.claims.known_effects",
    "known-effects.zero": "pellucid.claims.known_effects",
    "shapley-axioms.exact": "pellucid.claims.shapley_axioms",
}
