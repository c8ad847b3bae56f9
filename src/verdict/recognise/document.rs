//! Identity documents by the words printed on them.
//!
//! The title of a document is also the title of articles about it, and its field names stand on
//! every empty form. So title, two field names and a value (a date or a document number) are needed
//! together; less is a hint, which a face on the same picture can raise.

use std::sync::LazyLock;

use regex::Regex;

use super::finding::{Kind, Sink, Strength};
use super::fold;
use super::rows::{Page, Passage};
use super::vocabulary::{compile, vocabulary};

static TITLES: LazyLock<[(Kind, Regex); 3]> = LazyLock::new(|| {
    [
        (
            Kind::LicenceWords,
            vocabulary(&[
                "driver license",
                "drivers license",
                "driver's license",
                "driver licence",
                "drivers licence",
                "driving licence",
                "driving license",
                "learner permit",
                "fuhrerschein",
                "fuehrerschein",
                "fahrerlaubnis",
                "permis de conduire",
                "permiso de conduccion",
                "운전면허증",
                "자동차운전면허증",
                "운전면허",
            ]),
        ),
        (
            Kind::PassportWords,
            vocabulary(&[
                "passport",
                "reisepass",
                "passeport",
                "pasaporte",
                "여권",
                "护照",
                "旅券",
            ]),
        ),
        (
            Kind::IdCardWords,
            vocabulary(&[
                "identity card",
                "identification card",
                "id card",
                "national id",
                "citizen card",
                "personalausweis",
                "ausweis",
                "carte nationale d'identite",
                "resident card",
                "residence permit",
                "residence card",
                "resident registration card",
                "alien registration card",
                "permanent resident",
                "permanent resident card",
                "aufenthaltstitel",
                "military id",
                "voter id",
                "주민등록증",
                "외국인등록증",
                "住民登录证",
                "住民登錄證",
                "居民身份证",
                "身份证",
            ]),
        ),
    ]
});

/// The fields of such documents; each entry is one field in several languages.
static FIELDS: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    [
        &[
            "surname",
            "last name",
            "family name",
            "nachname",
            "familienname",
            "nom",
            "성",
        ][..],
        &[
            "given name",
            "given names",
            "first name",
            "vorname",
            "vornamen",
            "prenoms",
            "이름",
        ],
        &["name", "성명", "姓名"],
        &[
            "nationality",
            "staatsangehorigkeit",
            "nationalite",
            "citizenship",
            "국적",
        ],
        &[
            "date of birth",
            "dob",
            "birth date",
            "geburtsdatum",
            "geburtstag",
            "geb",
            "생년월일",
        ],
        &["place of birth", "geburtsort"],
        &["sex", "geschlecht", "gender", "sexe", "성별"],
        &[
            "height",
            "hgt",
            "hohe",
            "grosse",
            "eyes",
            "augenfarbe",
            "eye color",
        ],
        &[
            "date of issue",
            "issued",
            "issue date",
            "iss",
            "ausstellungsdatum",
            "발급일",
        ],
        &[
            "date of expiry",
            "expires",
            "exp",
            "expiry date",
            "valid until",
            "gultig bis",
            "기간만료일",
        ],
        &[
            "authority",
            "issuing authority",
            "behorde",
            "ausstellende behorde",
        ],
        &[
            "document no",
            "document number",
            "dokumentennummer",
            "ausweisnummer",
            "card no",
            "id no",
        ],
        &[
            "passport no",
            "passport number",
            "passnummer",
            "pass nr",
            "여권번호",
        ],
        &[
            "licence no",
            "license no",
            "dl no",
            "dl",
            "fuhrerscheinnummer",
            "면허번호",
        ],
        &["class", "klassen", "klasse", "restrictions", "endorsements"],
        &["address", "anschrift", "adresse", "wohnort", "주소"],
        &["signature", "unterschrift"],
    ]
    .iter()
    .map(|names| vocabulary(names))
    .collect()
});

/// A full date or a document number, in the number view.
static VALUE: LazyLock<Regex> = LazyLock::new(|| {
    compile(
        r"(?:[0-9]{1,2} ?[-./ ] ?(?:[0-9]{1,2}|[A-Za-z]{3,9}) ?[-./ ] ?(?:19|20)[0-9]{2}|(?:19|20)[0-9]{2} ?[-./] ?[0-9]{1,2} ?[-./] ?[0-9]{1,2}|[^A-Za-z0-9][A-Z][A-Z0-9]{0,2}[0-9]{6,9}[^A-Za-z0-9])",
    )
});

static PASSPORT_LABELS: LazyLock<Regex> = LazyLock::new(|| {
    vocabulary(&[
        "passport no",
        "passport number",
        "passport",
        "passnummer",
        "pass nr",
        "reisepassnummer",
        "reisepass nr",
        "여권번호",
        "여권",
        "护照号码",
    ])
});
static PASSPORT_NUMBER: LazyLock<Regex> =
    LazyLock::new(|| compile(r"[A-Z][0-9]{8}|[A-Z]{2}[0-9]{7}|[0-9]{9}|[CFGHJK][A-Z0-9]{7}[0-9]"));

static LICENCE_LABELS: LazyLock<Regex> = LazyLock::new(|| {
    vocabulary(&[
        "driver license",
        "drivers license",
        "driver's license",
        "driving licence",
        "licence no",
        "license no",
        "driver license no",
        "면허번호",
        "운전면허",
        "운전면허번호",
    ])
});
/// Region 11 to 28, year, serial, check.
static KOREAN_LICENCE: LazyLock<Regex> =
    LazyLock::new(|| compile(r"(?:1[1-9]|2[0-8]) ?- ?[0-9]{2} ?- ?[0-9]{6} ?- ?[0-9]{2}"));

/// Looks for document numbers behind their labels.
pub(super) fn find(passage: &Passage, sink: &mut Sink) {
    for found in PASSPORT_NUMBER.find_iter(&passage.digits) {
        let fits = passage.stands_alone(&found.range())
            && passage.labelled(found.start(), &PASSPORT_LABELS)
            && found.as_str().bytes().filter(u8::is_ascii_digit).count() > 4;
        if fits {
            sink.add(
                passage,
                found.range(),
                Kind::PassportNumber,
                Strength::Likely,
                found.as_str(),
            );
        }
    }
    for found in KOREAN_LICENCE.find_iter(&passage.digits) {
        if passage.stands_alone(&found.range()) {
            let labelled = passage.labelled(found.start(), &LICENCE_LABELS);
            let strength = if labelled {
                Strength::Likely
            } else {
                Strength::Hint
            };
            let number = fold::only_digits(found.as_str());
            sink.add(
                passage,
                found.range(),
                Kind::LicenceNumber,
                strength,
                &number,
            );
        }
    }
}

/// Looks at the words of the whole picture.
pub(super) fn find_titles(page: &Page, sink: &mut Sink) {
    let words = &page.whole.words;
    let title = TITLES.iter().find(|(_, title)| title.is_match(words));
    let Some((kind, _)) = title else { return };
    let fields = FIELDS.iter().filter(|field| field.is_match(words)).count();
    let value = VALUE.is_match(&page.whole.digits);
    let strength = if fields >= 2 && value {
        Strength::Likely
    } else {
        Strength::Hint
    };
    sink.add_everywhere(*kind, strength);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::recognise::testing::strengths;

    fn check(rows: &[&str], kind: Kind, expected: Option<Strength>) {
        assert_eq!(strengths(rows, kind).first().copied(), expected, "{rows:?}");
    }

    #[test]
    fn a_filled_document() {
        let likely = Some(Strength::Likely);
        check(
            &[
                "IDENTITY CARD|UTO",
                "Surname",
                "Calloway",
                "Date of birth",
                "02/28/1963",
            ],
            Kind::IdCardWords,
            likely,
        );
        check(
            &[
                "PERSONALAUSWEIS",
                "Nachname",
                "Muster",
                "Gültig bis",
                "01.02.2031",
            ],
            Kind::IdCardWords,
            likely,
        );
        check(
            &["DRIVER LICENSE", "DL D1234567", "SEX M", "EXP 01/02/2031"],
            Kind::LicenceWords,
            likely,
        );
        check(
            &[
                "REISEPASS PASSPORT",
                "Vornamen",
                "ANNA",
                "Geschlecht F",
                "12 MAR 1985",
            ],
            Kind::PassportWords,
            likely,
        );
    }

    #[test]
    fn a_title_or_an_empty_form_is_a_hint() {
        let hint = Some(Strength::Hint);
        check(&["How to renew your passport"], Kind::PassportWords, hint);
        check(
            &["Passport application", "Surname", "Given names", "Sex"],
            Kind::PassportWords,
            hint,
        );
        check(
            &["Surname", "Given names", "12.03.1985"],
            Kind::PassportWords,
            None,
        );
    }

    #[test]
    fn numbers_behind_labels() {
        let likely = Some(Strength::Likely);
        check(&["Passport No. M12345678"], Kind::PassportNumber, likely);
        check(&["Passport No.|C01X00T47"], Kind::PassportNumber, likely);
        check(&["M12345678"], Kind::PassportNumber, None);
        check(
            &["Driver's License 11-23-456789-01"],
            Kind::LicenceNumber,
            likely,
        );
        check(
            &["11-23-456789-01"],
            Kind::LicenceNumber,
            Some(Strength::Hint),
        );
        check(&["99-23-456789-01"], Kind::LicenceNumber, None);
    }
}
