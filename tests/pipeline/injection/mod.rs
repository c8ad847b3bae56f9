//! Text that tries to talk to whoever judges, from the record or the picture to the mail, with a
//! model that is honest, one that obeys, and one that repeats values.
//!
//! Only code may stop it. What holds whatever a model says: no level is below its floor; nothing is
//! done to any object but the one that was judged, and nothing at all because of an event; nothing
//! that a model wrote points anybody at a bucket, a key or a step; no value that it repeats is seen
//! anywhere; and nothing from outside breaks a line, hides, or turns text around where people read.
//!
//! What code cannot stop: a model that obeys and hides it. An event then stays at its floor, as if no
//! model had been asked; so it does where a text makes a model refuse, or talk until it is cut. A
//! picture whose orders it follows without reporting them passes for clean unless
//! `verdict.local_check` finds a number or the orders themselves. The tests below say so too.
//!
//! Several guards stand behind each other, so that one alone may go without an attack getting through
//! here. Each therefore has a test that fails without it:
//!
//! | Guard | Test |
//! |---|---|
//! | `Assessor` puts the floor back, whoever the analyst is | `verdict::threat::tests::a_level_is_raised_and_never_lowered` |
//! | `Assessment::judged` is never below its floor | `verdict::threat::assessment::tests::a_judgement_is_never_below_its_floor` |
//! | `Assessor` takes nothing that nobody stands for | `verdict::threat::tests::without_an_answer_the_floor_speaks_alone_and_says_why` |
//! | an answer off the schema is a flaw, `critical` included | `verdict::ask::analyst::tests::every_deviation_from_the_schema_is_a_flaw` |
//! | of an answer only level and summary are taken | `verdict::ask::analyst::tests::only_level_and_summary_are_taken` |
//! | no words about a record that gives orders (`ModelAnalyst::summary`) | `verdict::ask::analyst::tests::words_about_a_record_that_gives_orders_are_not_kept` |
//! | no words that give orders themselves (`scrub`) | `verdict::threat::scrub::tests::orders_to_the_reader_are_dropped` |
//! | no words that neither code nor the record shows (`scrub`) | `verdict::threat::scrub::tests::what_the_record_does_not_show_plainly_is_masked` |
//! | the fence cannot be closed from inside | `verdict::ask::analyst::record::tests::nothing_in_a_record_closes_its_fence_or_hides` |
//! | frame and system prompt are constants | `verdict::ask::analyst::tests::the_record_is_data_in_a_fence_and_nowhere_else` |
//! | secrets never reach a model | `verdict::ask::analyst::masked::tests` |
//! | titles and next steps quote nothing of a record | `verdict::threat::tests::nonsense` |
//! | details, which do, are escaped where they are shown | `events::no_attack_changes_what_code_says` |

mod bench;
mod corpus;
mod events;
mod pictures;
pub(crate) mod sinks;

use s3_warden_standins::bedrock::Behaviour;

/// Values that no sink may show; a model that repeats them has seen them somewhere.
const VALUES: [&str; 8] = [
    "M12345678",
    "900101-1234568",
    "4111 1111 1111 1111",
    "4111111111111111",
    "jane.roe@example.com",
    "+82 10-1234-5678",
    "AKIAIOSFODNN7EXAMPLE",
    "Mustermann",
];

fn echo() -> Behaviour {
    Behaviour::Echo(VALUES.map(str::to_owned).to_vec())
}

/// None of the values, whole or in the pieces that stand between blanks.
#[track_caller]
fn shows_no_value(name: &str, text: &str) {
    for value in VALUES {
        assert!(!text.contains(value), "{name}: {value} in {text}");
        let digits: String = value.chars().filter(char::is_ascii_digit).collect();
        let joined: String = text.split([' ', '-', '\n']).collect();
        let is_number = digits.len() >= 10;
        assert!(!is_number || !joined.contains(&digits), "{name}: {text}");
    }
}
