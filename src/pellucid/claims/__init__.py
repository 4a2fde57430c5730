"""Claims: one file per published system, whose parts are run, judged and stored by the harness."""

REGISTRY = {
    "effective-horizon.bound": "pellucid.claims.effective_horizon",
    "effective-horizon.learning": "pellucid.claims.effective_horizon",
    "effective-horizon.planning": "pellucid.claims.effective_horizon",
    "effective-horizon.prediction": "pellucid.claims.effective_horizon",
    "effective-horizon.published": "pellucid.claims.effective_horizon",
    "effective-horizon.tight": "pellucid.claims.effective_horizon",
    "known-effects.large": "pellucid.claims.known_effects",
    "known-effects.small": "pellucid.claims.known_effects",
    "known-effects.zero": "pellucid.claims.known_effects",
    "shapley-axioms.exact": "pellucid.claims.shapley_axioms",
}
