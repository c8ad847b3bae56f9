//! "Did you mean": the known name that differs least from a mistyped one.

/// The nearest of the known names; `None` when all of them are too far away to be a slip: more
/// than two letters, or more than a third of the name.
pub(super) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let bound = (name.chars().count() / 3).clamp(1, 2);
    known
        .map(|candidate| (distance(name, candidate), candidate))
        .filter(|(distance, _)| *distance <= bound)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// How many letters must be added, dropped or exchanged (Levenshtein).
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (above, letter) in left.chars().enumerate() {
        let mut diagonal = above;
        let mut before = above + 1;
        let mut next = Vec::with_capacity(row.len());
        next.push(before);
        for (other, up) in right.iter().zip(row.iter().skip(1)) {
            let exchanged = diagonal + usize::from(*other != letter);
            before = exchanged.min(before + 1).min(up + 1);
            diagonal = *up;
            next.push(before);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_counted_in_letters() {
        let check = |left, right, want| assert_eq!(distance(left, right), want, "{left} {right}");
        check("", "", 0);
        check("", "abc", 3);
        check("buckets", "bukets", 1);
        check("kitten", "sitting", 3);
        check("größe", "grösse", 2);
    }

    #[test]
    fn only_slips_are_corrected() {
        let known = ["intake.buckets", "policy.mode"];
        let check = |name, want| assert_eq!(nearest(name, known.into_iter()), want, "{name}");
        check("intake.bukets", Some("intake.buckets"));
        check("polciy.mode", Some("policy.mode"));
        check("alerts.topic", None);
    }
}
