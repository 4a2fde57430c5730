"""Claims: one file per published system, whose parts are run, judged and stored by the harness."""

REGISTRY = {
    "known-effects.large": "pellucid.claims.known_effects",
    "known-effects.small": "pellucid.claims.known_effects",
    "known-effects.zero": "pellucid.claims.known_effects",
    "objective-formalisms.matrix": "pellucid.claims.objective_formalisms",
    "objective-formalisms.regret-as-stated": "pellucid.claims.objective_formalisms",
    "objective-formalisms.regret-formulas": "pellucid.claims.objective_formalisms",
    "objective-formalisms.regret-machines": "pellucid.claims.objective_formalisms",
    "objective-formalisms.translations": "pellucid.claims.objective_formalisms",
    "shapley-axioms.exact": "pellucid.claims.shapley_axioms",
}
