//! Names, postal addresses and words of health: things without check digits.
//!
//! A table of patterns cannot know names. Only what stands behind a label or a form of address is
//! taken, as a hint: alone it flags nothing, two different hints together do (see [`super::judge`]).

use std::sync::LazyLock;

use regex::Regex;

use super::finding::{Kind, Sink, Strength};
use super::fold;
use super::rows::{Page, Passage};
use super::vocabulary::{compile, vocabulary};

static NAME_LABELS: LazyLock<Regex> = LazyLock::new(|| {
    vocabulary(&[
        "surname",
        "last name",
        "family name",
        "given name",
        "given names",
        "first name",
        "full name",
        "name",
        "patient",
        "patient name",
        "customer name",
        "cardholder",
        "account holder",
        "kontoinhaber",
        "karteninhaber",
        "inhaber",
        "nachname",
        "familienname",
        "vorname",
        "vornamen",
        "empfanger",
        "recipient",
        "ship to",
        "deliver to",
        "bill to",
        "성명",
        "이름",
        "姓名",
    ])
});

/// One to four words with capitals, nothing else, in Latin letters.
static NAME: LazyLock<Regex> =
    LazyLock::new(|| compile(r"[A-Z][A-Za-z'-]{1,20}(?:,? [A-Z][A-Za-z'.-]{0,20}){0,3}"));

/// A name behind a form of address.
static SALUTED: LazyLock<Regex> = LazyLock::new(|| {
    compile(
        r"(?:^|[^A-Za-z])(?:Herrn?|Frau|Mr|Mrs|Ms|Dr)[. ]{1,2}([A-Z][a-z]{2,20}(?: [A-Z][a-z]{2,20})?)",
    )
});

/// Words that stand behind a label without being a name.
static NO_NAME: LazyLock<Regex> = LazyLock::new(|| {
    vocabulary(&[
        "name",
        "names",
        "surname",
        "first",
        "last",
        "given",
        "full",
        "middle",
        "vorname",
        "nachname",
        "enter",
        "your",
        "sir",
        "madam",
        "customer",
        "team",
        "user",
        "username",
        "date",
        "birth",
        "email",
        "phone",
        "address",
        "adresse",
        "anschrift",
        "telefon",
        "geburtsdatum",
        "gmbh",
        "ag",
        "ltd",
        "inc",
        "corp",
        "llc",
        "kg",
        "company",
        "server",
        "file",
        "size",
        "type",
        "price",
        "qty",
        "status",
        "value",
        "description",
        "item",
        "damen",
        "herren",
        "all",
        "role",
        "id",
        "department",
        "title",
        "version",
        "city",
        "country",
        "number",
        "no",
        "card",
        "iban",
        "signature",
        "sex",
        "nationality",
        "passport",
        "department",
        "required",
        "optional",
    ])
});

static STREET: LazyLock<Regex> = LazyLock::new(|| {
    compile(
        r"(?:[A-Z][a-z-]+(?:strasse|str\.?|weg|platz|allee|gasse|ring|damm|ufer|chaussee)|[A-Z][a-z]+[ -](?:Strasse|Str\.|Weg|Platz|Allee)) ?[0-9]{1,4} ?[a-z]?[^0-9]{1,8}[0-9]{5} [A-Z][a-z]+|[0-9]{1,5} (?:[NSEW]\.? )?[A-Z][A-Za-z]+(?: [A-Z][a-z]+)? (?:St|Street|Ave|Avenue|Rd|Road|Blvd|Lane|Ln|Dr|Drive|Ct|Court|Way|Terrace)\b[^\n]{0,20}[\s,]+(?:[A-Z][a-z]+[ ,]+){1,3}[A-Z]{2},? [0-9]{5}",
    )
});

static HEALTH: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    [
        &["patient", "patient name", "patientin", "patient id", "환자"][..],
        &[
            "diagnosis",
            "diagnose",
            "diagnosen",
            "befund",
            "진단",
            "진단서",
        ],
        &[
            "prescription",
            "rezept",
            "rx",
            "dosage",
            "medication",
            "medikation",
            "처방전",
        ],
        &["icd", "icd 10"],
        &[
            "blood type",
            "blood group",
            "blutgruppe",
            "blood pressure",
            "혈액형",
        ],
        &[
            "medical record",
            "mrn",
            "arztbrief",
            "entlassungsbrief",
            "discharge summary",
        ],
        &[
            "krankenkasse",
            "versichertennummer",
            "health insurance",
            "krankenversicherung",
        ],
        &[
            "allergies",
            "allergien",
            "anamnese",
            "medical history",
            "lab results",
            "laborwerte",
        ],
        &[
            "krankschreibung",
            "arbeitsunfahigkeit",
            "au bescheinigung",
            "sick note",
        ],
    ]
    .iter()
    .map(|names| vocabulary(names))
    .collect()
});

/// Looks for names and addresses.
pub(super) fn find(passage: &Passage, sink: &mut Sink) {
    let behind = NAME_LABELS
        .captures_iter(&passage.words)
        .filter_map(|found| found.get(1));
    for start in behind.map(|label| label.end()).chain(passage.starts()) {
        note_name(passage, start, sink);
    }
    for found in SALUTED.captures_iter(&passage.text) {
        if let Some(name) = found.get(1) {
            let value = fold::words(name.as_str());
            sink.add(
                passage,
                name.range(),
                Kind::LabelledName,
                Strength::Hint,
                &value,
            );
        }
    }
    for found in STREET.find_iter(&passage.text) {
        sink.add(
            passage,
            found.range(),
            Kind::PostalAddress,
            Strength::Hint,
            found.as_str(),
        );
    }
}

/// Takes what begins at `start`, behind signs and blanks, when it looks like a name and is labelled.
fn note_name(passage: &Passage, start: usize, sink: &mut Sink) {
    let rest = passage.text.get(start..).unwrap_or_default();
    let trimmed = rest.trim_start_matches([' ', '\t', ':', ';', '.', ',', '-', '/', '(', ')']);
    let start = start + rest.len() - trimmed.len();
    let Some(found) = NAME.find(trimmed).filter(|found| found.start() == 0) else {
        return;
    };
    let value = fold::words(found.as_str());
    if value.len() > 3 && !NO_NAME.is_match(&value) && passage.labelled(start, &NAME_LABELS) {
        let range = start..start + found.end();
        sink.add(passage, range, Kind::LabelledName, Strength::Hint, &value);
    }
}

/// Looks at the words of the whole picture: two different words of a medical record are a hint.
pub(super) fn find_health(page: &Page, sink: &mut Sink) {
    match HEALTH
        .iter()
        .filter(|word| word.is_match(&page.whole.words))
        .count()
    {
        0 | 1 => {}
        _ => sink.add_everywhere(Kind::HealthWords, Strength::Hint),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::recognise::testing::strengths;

    fn check(rows: &[&str], kind: Kind, found: bool) {
        assert_eq!(!strengths(rows, kind).is_empty(), found, "{rows:?}");
    }

    #[test]
    fn names() {
        let check = |rows: &[&str], found| check(rows, Kind::LabelledName, found);
        check(&["Name: Jonas Kesselring"], true);
        check(&["Name Jonas Kesselring"], true);
        check(&["Name", "Jonas Kesselring"], true);
        check(&["Surname|Calloway"], true);
        check(&["Sehr geehrte Frau Müller,"], true);
        check(&["Dear Ms. Ivy Calloway"], true);
        check(&["First name", "Last name"], false);
        check(&["Name: Acme GmbH"], false);
        check(&["Name|Price"], false);
        check(&["Dear Customer"], false);
        check(&["Jonas Kesselring"], false);
    }

    #[test]
    fn addresses() {
        let check = |rows: &[&str], found| check(rows, Kind::PostalAddress, found);
        check(&["Lindenweg 12, 39999 Neudorf"], true);
        check(&["Hauptstraße 5", "10115 Berlin"], true);
        check(&["12 Maple Street, Springfield, IL 62704"], true);
        check(&["12 Maple Street", "Springfield, IL 62704"], true);
        check(&["Lindenweg 12"], false);
        check(&["Page 12 of 39999 Words"], false);
    }

    #[test]
    fn health() {
        let check = |rows: &[&str], found| check(rows, Kind::HealthWords, found);
        check(&["Patient: x", "Diagnosis: y"], true);
        check(&["Patient information leaflet"], false);
    }
}
