"""Names of monitors that people try, and the kind that is meant; never accepted, only hinted."""

HINTS = {
    "drift": "feature_drift",
    "psi": "feature_drift",
    "data_drift": "feature_drift",
    "ks": "feature_drift",
    "ks_drift": "feature_drift",
    "kolmogorov_smirnov": "feature_drift",
    "shap_drift": "attribution_drift",
    "importance_drift": "attribution_drift",
    "prediction_drift": "score_drift",
    "label_drift": "target_drift",
    "prior_shift": "target_drift",
    "performance": "live_metric",
    "metric": "live_metric",
    "estimate": "estimated_metric",
    "estimated_performance": "estimated_metric",
    "pape": "estimated_metric",
    "cbpe": "estimated_metric",
    "risk": "harmful_shift",
    "risk_monitoring": "harmful_shift",
    "error_rate": "live_metric",
}
