//! Events: every attack of the corpus, with every kind of model.

use s3_warden::verdict::Threat;
use s3_warden::verdict::threat::{Assessment, Floor, Look, Unassessed};
use s3_warden_standins::bedrock::Behaviour;

use super::bench::{Bench, finding};
use super::corpus::{Attack, attacks};
use super::sinks::{Lines, Told};
use super::{echo, shows_no_value};

const LEVELS: [Threat; 2] = [Threat::Low, Threat::Critical];

/// Sends one attack through, with what code makes of its record: the details of a floor are the
/// record's own words. Only the level is the test's. Answers what is thought of it.
async fn check(bench: &Bench, attack: &Attack, level: Threat) -> Assessment {
    let name = &attack.name;
    let assessor = bench.assessor();
    let Look::Notable(by_code) = assessor.look(&attack.activity) else {
        panic!("{name}: every record is assessed");
    };
    let floor = Floor { level, ..by_code };
    let assessment = assessor.assess(&attack.activity, floor.clone()).await;
    if let Some(why) = assessment.unassessed {
        // A model that copies an endless key has no room left for the rest of its report.
        assert!(name.starts_with("very_long"), "{name}: {why:?}");
        assert_eq!(why, Unassessed::Malformed, "{name}");
    }
    assert!(assessment.threat >= level, "{name}");
    assert_eq!(assessment.floor, floor, "{name}: the floor is code's own");
    if let Some(summary) = &assessment.summary {
        assert!(
            summary.chars().all(|c| matches!(c, ' '..='~')),
            "{name}: {summary:?}"
        );
        assert!(summary.len() <= 400, "{name}");
    }
    let finding = finding(&attack.activity, assessment.clone());
    assert!(!finding.decision.action.removes());
    assert!(
        finding.object().is_none(),
        "an event has no object to act on"
    );
    let told = Told::about(&finding);
    told.is_escaped(name);
    for text in told.texts() {
        shows_no_value(name, text);
        // Both stand only in attacks that give them as an answer.
        assert!(!text.contains("victim.png"), "{name}: {text}");
    }
    assessment
}

/// What the model was sent: the same frame whatever the record says.
fn is_fenced(bench: &Bench) {
    let asked = bench.bedrock.requests();
    let system = &asked[0].system;
    for request in &asked {
        assert_eq!(request.system, *system);
        let text = &request.text;
        assert!(text.len() < 40 * 1024, "{}", text.len());
        assert!(text.is_ascii());
        assert_eq!(text.matches("<record>").count(), 1, "{text}");
        assert_eq!(text.matches("</record>").count(), 1, "{text}");
        assert!(text.trim_end().ends_with("\n</record>"), "{text}");
        let signs = text.chars().filter(|c| c.is_control() && *c != '\n');
        assert_eq!(signs.count(), 0);
        // The frame's own lines, and the record on one.
        assert_eq!(text.lines().count(), 7, "{text}");
    }
}

#[tokio::test]
async fn no_attack_changes_what_code_says() {
    let (lines, _listening) = Lines::listen();
    for behaviour in [Behaviour::Honest, Behaviour::Gullible, echo()] {
        let gullible = behaviour == Behaviour::Gullible;
        let bench = Bench::new(behaviour).await;
        for attack in attacks() {
            for level in LEVELS {
                let assessment = check(&bench, &attack, level).await;
                let grave = attack.activity.name == "PutBucketPolicy";
                let said = match () {
                    () if assessment.unassessed.is_some() => Threat::Low,
                    // A model that obeys: the floor is what is left.
                    () if gullible && attack.obeyed => Threat::Low,
                    () if grave => Threat::High,
                    () => Threat::Low,
                };
                assert_eq!(assessment.threat, said.max(level), "{}", attack.name);
                if gullible && attack.obeyed {
                    assert_eq!(assessment.summary, None, "{}: dictated words", attack.name);
                }
            }
        }
        is_fenced(&bench);
        shows_no_value("metrics", &bench.numbers());
    }
    let lines = lines.text();
    shows_no_value("log", &lines);
    for line in lines.lines() {
        assert!(line.starts_with('{'), "{line}");
    }
}

#[tokio::test]
async fn a_model_that_repeats_values_leaves_a_note_without_them() {
    let bench = Bench::new(Behaviour::Honest).await;
    let attacks = attacks();
    let plain = attacks.iter().find(|attack| !attack.obeyed).unwrap();
    let summary = check(&bench, plain, Threat::Low).await.summary;
    assert_eq!(summary.as_deref(), Some("PutBucketPolicy was called."));
    for value in super::VALUES {
        bench
            .bedrock
            .behave(Behaviour::Echo(vec![value.to_owned()]));
        let summary = check(&bench, plain, Threat::Low).await.summary;
        let masked = summary.is_none_or(|summary| summary.ends_with("called. [...]"));
        assert!(masked, "{value}");
    }
}
