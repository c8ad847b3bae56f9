//! The image against the manifest: it is built without the default features, so that the detector
//! can stay out, and has to name the others itself.

use super::text;

#[test]
fn the_image_has_every_default_feature_but_the_detector() {
    let manifest: toml::Table = text("Cargo.toml").parse().unwrap();
    let defaults = manifest["features"]["default"].as_array().unwrap();
    let wanted = defaults.iter().map(|feature| feature.as_str().unwrap());
    let wanted: Vec<_> = wanted.filter(|it| *it != "local-detector").collect();
    assert!(!wanted.is_empty());
    let dockerfile = text("Dockerfile");
    let named = dockerfile
        .lines()
        .find_map(|line| line.strip_prefix("ARG FEATURES="));
    let named: Vec<_> = named.unwrap().split(',').collect();
    for feature in wanted {
        assert!(
            named.contains(&feature),
            "Dockerfile: FEATURES lacks {feature}"
        );
    }
    // What templates can turn on has to be in it.
    for feature in ["securityhub", "eventbridge"] {
        assert!(
            named.contains(&feature),
            "Dockerfile: FEATURES lacks {feature}"
        );
    }
}
