//! Words to look for, written plainly and matched as a reader of pictures returns them.
//!
//! Every list is matched against the word view (see [`super::fold`]): `i` and `l` are one letter,
//! `m` may have become `rn`, and a blank may be missing or be a sign. A word must not stand inside
//! a longer Latin word.

use std::sync::LazyLock;

use regex::Regex;

/// Compiles a list of words, alternatives of one meaning.
pub(super) fn vocabulary(list: &[&str]) -> Regex {
    let mut list = list.to_vec();
    list.sort_by_key(|word| std::cmp::Reverse(word.len()));
    let alternatives: Vec<String> = list.iter().map(|word| tolerant(word)).collect();
    compile(&format!(
        "(?:^|[^a-z])({})(?:$|[^a-z])",
        alternatives.join("|")
    ))
}

/// Compiles one pattern for the word view. Blanks, `i`, `l` and `m` in it are tolerant, except in
/// classes and counts.
pub(super) fn phrase(source: &str) -> Regex {
    compile(&tolerant(source))
}

/// Compiles a constant pattern.
pub(super) fn compile(source: &str) -> Regex {
    Regex::new(source).expect("the pattern is a constant that the tests compile")
}

fn tolerant(source: &str) -> String {
    let mut out = String::with_capacity(source.len() * 2);
    let mut closing = None;
    let mut escaped = false;
    for c in source.chars() {
        let literal = escaped || closing.is_some();
        escaped = c == '\\' && !escaped;
        match (c, closing) {
            (c, Some(end)) if c == end => closing = None,
            ('[', None) if !literal => closing = Some(']'),
            ('{', None) if !literal => closing = Some('}'),
            _ => {}
        }
        match c {
            ' ' if !literal => out.push_str(r"[\W_]{0,3}"),
            'i' | 'l' if !literal => out.push_str("[il]"),
            'm' if !literal => out.push_str("(?:m|rn)"),
            c => out.push(c),
        }
    }
    out
}

/// Labels that say: what follows is the number of a thing, not of a person.
pub(super) static REFERENCE: LazyLock<Regex> = LazyLock::new(|| {
    vocabulary(&[
        "order",
        "order no",
        "order number",
        "order id",
        "bestellung",
        "bestellnr",
        "bestellnummer",
        "auftrag",
        "auftragsnummer",
        "ref",
        "ref no",
        "reference",
        "referenz",
        "tracking",
        "tracking no",
        "tracking number",
        "sendung",
        "sendungsnummer",
        "shipment",
        "consignment",
        "parcel",
        "waybill",
        "invoice",
        "invoice no",
        "rechnung",
        "rechnungsnummer",
        "rechnungs nr",
        "serial",
        "serial no",
        "serial number",
        "s/n",
        "sn",
        "seriennummer",
        "lot",
        "lot no",
        "batch",
        "charge",
        "chargen nr",
        "sku",
        "part",
        "part no",
        "part number",
        "p/n",
        "teilenummer",
        "teilenr",
        "teile nr",
        "artikelnr",
        "artikel nr",
        "art nr",
        "seriennr",
        "serien nr",
        "rechnungsnr",
        "auftragsnr",
        "bestell nr",
        "paketnummer",
        "id no",
        "artikel",
        "artikelnummer",
        "article",
        "item",
        "item no",
        "ean",
        "isbn",
        "upc",
        "gtin",
        "barcode",
        "imei",
        "iccid",
        "ticket",
        "ticket no",
        "case no",
        "case",
        "vorgang",
        "transaction",
        "transaction id",
        "txn",
        "trace id",
        "request id",
        "build",
        "commit",
        "version",
        "model",
        "kundennummer",
        "customer no",
        "vat",
        "ust id",
        "business no",
        "business registration",
        "biz no",
        "corporate registration",
        "주문",
        "주문번호",
        "송장",
        "운송장",
        "사업자",
        "사업자등록번호",
        "법인등록번호",
        "일련번호",
    ])
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::recognise::fold;

    #[test]
    fn words_survive_a_bad_reader() {
        let list = vocabulary(&["valid thru", "card number", "mobile", "생년월일"]);
        let check = |text: &str, found: bool| {
            assert_eq!(list.is_match(&fold::words(text)), found, "{text}");
        };
        check("VAL1D THRU", true);
        check("VALIDTHRU", true);
        check("VaIid-Thru:", true);
        check("Card_Number", true);
        check("rnobile", true);
        check("Mobile010", true);
        check("생년월일:", true);
        check("automobiles", false);
        check("discard numbers", false);
    }

    #[test]
    fn classes_and_counts_are_left_alone() {
        assert_eq!(
            tolerant(r"a[il ]{1, 2}\W i"),
            r"a[il ]{1, 2}\W[\W_]{0,3}[il]"
        );
    }

    #[test]
    fn references_are_labels_of_things() {
        assert!(REFERENCE.is_match("order no. "));
        assert!(REFERENCE.is_match("s/n: "));
        assert!(!REFERENCE.is_match("border "));
    }
}
