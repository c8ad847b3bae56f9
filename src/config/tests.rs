//! The machinery, on a small configuration of its own that has every kind of setting.

use std::collections::BTreeMap;
use std::io::Write;

use serde::{Deserialize, Serialize};

use super::*;
use crate::settings::Problems;

const DEFAULT_TEXT: &str = "name = \"lamp\"\n[tank]\nlitres = 8\nratio = 0.5\nopen = false\n";

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Toy {
    name: String,
    tank: Tank,
}

impl Default for Toy {
    fn default() -> Self {
        Self {
            name: "lamp".to_owned(),
            tank: Tank::default(),
        }
    }
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Tank {
    litres: u8,
    ratio: f64,
    open: bool,
    fish: Option<Vec<String>>,
    food: Option<Food>,
    #[schemars(extend("writeOnly" = true))]
    code: Option<String>,
    #[schemars(extend("writeOnly" = true))]
    lock: Option<Food>,
    #[schemars(extend("writeOnly" = true))]
    pin: Option<u8>,
    meals: BTreeMap<String, Food>,
    by_food: BTreeMap<Food, bool>,
    guests: Vec<Guest>,
}

impl Default for Tank {
    fn default() -> Self {
        Self {
            litres: 8,
            ratio: 0.5,
            open: false,
            fish: None,
            food: None,
            code: None,
            lock: None,
            pin: None,
            meals: BTreeMap::new(),
            by_food: BTreeMap::new(),
            guests: Vec::new(),
        }
    }
}

#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
enum Food {
    /// Dried.
    Flakes,
    /// Alive.
    WaterFleas,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct Guest {
    name: String,
}

fn with_file(text: &str) -> (Sources, tempfile::NamedTempFile) {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    (Sources::default().file(file.path()), file)
}

fn variables(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = |(name, text): &(&str, &str)| ((*name).to_owned(), (*text).to_owned());
    pairs.iter().map(owned).collect()
}

/// The problems of a file and of variables, without the file's folder.
fn problems(text: &str, environment: &[(&str, &str)]) -> Vec<String> {
    let (sources, file) = with_file(text);
    let sources = sources.environment(variables(environment));
    let (_, settled) = settle::<Toy>(DEFAULT_TEXT, sources);
    let name = file.path().display().to_string();
    let lines = settled.problems().iter();
    lines
        .map(|problem| problem.to_string().replace(&name, "toy.toml"))
        .collect()
}

#[test]
fn later_layers_win_and_every_value_knows_its_layer() {
    let (first, first_file) =
        with_file("name = \"a\"\n[tank]\nlitres = 1\nfish = [\"x\"]\nratio = 2\n");
    let (_, second) = with_file("[tank]\nlitres = 2\nmeals = { noon = \"flakes\" }\n");
    let sources = first
        .file(second.path())
        .environment(variables(&[
            ("WARDEN_TANK__LITRES", "3"),
            ("WARDEN_TANK__FISH", "koi, eel"),
            ("WARDEN_TANK__MEALS__EVE", "water_fleas"),
            ("WARDEN_TANK__CODE", "hush"),
            ("WARDEN_LOG", "debug"),
            ("PATH", "/bin"),
        ]))
        .option("tank.litres", 4, "--litres");
    let (toy, settled) = settle::<Toy>(DEFAULT_TEXT, sources);
    assert_eq!(settled.problems(), []);
    assert_eq!((toy.name.as_str(), toy.tank.litres), ("a", 4));
    assert_eq!(toy.tank.fish.unwrap(), ["koi", "eel"]);
    assert_eq!(toy.tank.meals.len(), 2);

    let text = settled.effective();
    let first = first_file.path().display();
    let check = |line: String| assert!(text.contains(&line), "{line} is missing in\n{text}");
    check(format!("name = \"a\" # {first}:1\n"));
    check("litres = 4 # --litres\n".to_owned());
    check("fish = [\"koi\", \"eel\"] # WARDEN_TANK__FISH\n".to_owned());
    check("open = false # default\n".to_owned());
    check("# food is not set\n".to_owned());
    check("code = \"(redacted)\" # WARDEN_TANK__CODE\n".to_owned());
    assert!(!text.contains("hush"));
    let again: toml::Table = text.parse().unwrap();
    assert_eq!(again["tank"]["meals"]["eve"].as_str(), Some("water_fleas"));
}

#[test]
fn everything_that_is_wrong_is_told_at_once_with_its_place() {
    let text = "nam = 1\nname = 2\n[tank]\nlitres = 300\nratio = \"x\"\nmeals = { noon = 1 }\n\
                food = \"flake\"\n[tank.by_food]\nstones = true\n[[tank.guests]]\n[tonk]\nopen = 1\n";
    let found = problems(
        text,
        &[
            ("WARDEN_TANK__OPEN", "yes"),
            ("WARDEN_TANK__LITERS", "3"),
            ("WARDEN_TANK", "x"),
            ("WARDEN_Tank__Open", "true"),
            ("WARDEN_TANK__GUESTS", "ann"),
        ],
    );
    let expected = [
        "nam (toy.toml:1): no such setting; did you mean name",
        "name (toy.toml:2): expected text, found a whole number",
        "tank.ratio (toy.toml:5): expected a number, found text",
        "tank.meals.noon (toy.toml:6): expected one of flakes, water_fleas, found a whole number",
        "tank.food (toy.toml:7): expected one of flakes, water_fleas, found \"flake\"; \
         did you mean \"flakes\"",
        "tonk (toy.toml:11): no such setting; did you mean tank",
        "tank.open (WARDEN_TANK__OPEN): expected true or false",
        "tank.liters (WARDEN_TANK__LITERS): no such setting; did you mean WARDEN_TANK__LITRES",
        "tank (WARDEN_TANK): is a section, not a setting",
        "tank.open (WARDEN_Tank__Open): write the variable in capital letters",
        "tank.guests (WARDEN_TANK__GUESTS): can only be set in a file",
    ];
    for line in expected {
        assert!(
            found.iter().any(|f| f == line),
            "{line} is missing in {found:#?}"
        );
    }
    // What only the types know is told with its place too: a range, a missing field, a map's key.
    for start in [
        "tank.litres (toy.toml:4): ",
        "tank.guests (toy.toml:10): missing field `name`",
        "tank.by_food.stones (toy.toml:9): unknown variant",
    ] {
        assert!(
            found.iter().any(|f| f.starts_with(start)),
            "{start} {found:#?}"
        );
    }
    assert_eq!(found.len(), expected.len() + 3, "{found:#?}");
}

#[test]
fn a_secret_is_never_printed() {
    let text = "[tank]\ncode = 4711\nlock = \"k-4711\"\npin = 4711\n";
    let found = problems(text, &[("WARDEN_TANK__LOCK", "z-4711")]).join("\n");
    assert!(
        found.contains("tank.code (toy.toml:2): expected text"),
        "{found}"
    );
    assert_eq!(found.matches("tank.lock").count(), 2, "{found}");
    let refused = "tank.pin (toy.toml:4): is refused; expected a whole number";
    assert!(found.contains(refused), "{found}");
    assert!(!found.contains("4711"), "{found}");

    let broken = problems("[tank]\ncode = \"k-4711\n", &[]).join("\n");
    assert!(broken.starts_with("toy.toml:2: is not TOML: "), "{broken}");
    assert!(!broken.contains("4711"), "{broken}");

    let environment = variables(&[("WARDEN_TANK__CODE", "k-4711")]);
    let sources = Sources::default().environment(environment);
    assert!(!format!("{sources:?}").contains("4711"));
    let (_, mut settled) = settle::<Toy>(DEFAULT_TEXT, sources);
    let mut problems = Problems::new();
    problems.add("tank.code", "k-4711 is too short");
    settled.add(problems.into_vec());
    assert_eq!(
        settled.problems()[0].to_string(),
        "tank.code (WARDEN_TANK__CODE): (redacted) is too short"
    );
    assert!(!format!("{settled:?}").contains("4711"));
}

#[test]
fn a_number_below_zero_is_out_of_range() {
    let found = problems("[tank]\nlitres = -1\n", &[("WARDEN_TANK__LITRES", "-2")]);
    let said =
        "tank.litres (WARDEN_TANK__LITRES): -2 is out of range: choose a whole number from 0 on";
    assert_eq!(found, [said]);
}

#[test]
fn what_the_rooms_refuse_is_told_with_its_place() {
    let sources = Sources::default()
        .option("tank.litres", 300, "--litres")
        .option("tank.ratio", 9.5, "--ratio");
    let (_, mut settled) = settle::<Toy>(DEFAULT_TEXT, sources);
    let mut problems = Problems::new();
    problems.add("tank.litres", "too small");
    problems.add("tank.ratio", "above 1");
    problems.add("tank.fish", "missing");
    settled.add(problems.into_vec());
    let lines: Vec<_> = settled.problems().iter().map(ToString::to_string).collect();
    assert!(
        lines[0].starts_with("tank.litres (--litres): "),
        "{lines:?}"
    );
    assert!(!lines[0].contains("too small"), "said once: {lines:?}");
    assert_eq!(
        lines[1..],
        [
            "tank.ratio (--ratio): above 1",
            "tank.fish: missing; set it in a file or as WARDEN_TANK__FISH"
        ]
    );
}

#[test]
fn a_number_that_is_too_large_does_not_hide_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("large.toml");
    let text = "[policy]\nmode = \"enforce\"\n[limits]\nmemory_bytes = 99999999999999999999\n";
    std::fs::write(&path, text).unwrap();
    let errors = Config::load(Sources::default().file(&path)).unwrap_err();
    let errors = errors.to_string();
    assert!(errors.contains("large.toml:4: is not TOML: "), "{errors}");
}

#[test]
fn a_file_that_cannot_be_read_hides_no_other_mistake() {
    let folder = tempfile::tempdir().unwrap();
    let sources = Sources::default()
        .file(folder.path().join("none.toml"))
        .environment(variables(&[("WARDEN_LIMITS__DRAIN_SECONDS", "0")]));
    let errors = Config::load(sources).unwrap_err().to_string();
    for want in [
        "none.toml: cannot be read: ",
        "limits.drain_seconds (WARDEN_LIMITS__DRAIN_SECONDS): ",
    ] {
        assert!(errors.contains(want), "{want} is missing in {errors}");
    }
}
