"""Claims: one file per published system, whose parts are run, judged and stored by the harness."""

REGISTRY = {
    "demonstration-regularized.cloning": "pellucid.claims.demonstration_regularized",
    "demonstration-regularized.law": "pellucid.claims.demonstration_regularized",
    "demonstration-regularized.linear": "pellucid.claims.demonstration_regularized",
    "demonstration-regularized.preferences": "pellucid.claims.demonstration_regularized",
    "demonstration-regularized.reduction": "pellucid.claims.demonstration_regularized",
    "demonstration-regularized.speed": "pellucid.claims.demonstration_regularized",
    "demonstration-regularized.threshold": "pellucid.claims.demonstration_regularized",
    "demonstration-regularized.trap": "pellucid.claims.demonstration_regularized",
    "known-effects.large": "pellucid.claims.known_effects",
    "known-effects.small": "pellucid.claims.known_effects",
    "known-effects.zero": "pellucid.claims.known_effects",
    "policy-cliff.bounds": "pellucid.claims.policy_cliff",
    "policy-cliff.mixture": "pellucid.claims.policy_cliff",
    "policy-cliff.polarised": "pellucid.claims.policy_cliff",
    "policy-cliff.radii": "pellucid.claims.policy_cliff",
    "policy-cliff.snap": "pellucid.claims.policy_cliff",
    "policy-cliff.tie-breaker": "pellucid.claims.policy_cliff",
    "shapley-axioms.exact": "pellucid.claims.shapley_axioms",
}
