//! The set of tags with ours in it. Pure.

use aws_sdk_s3::types::Tag;

use super::copy_source::encoded_part;
use crate::object::Mark;

/// The key of our tag.
pub(super) const OURS: &str = "s3-warden";

/// Tags that one object can have ("Categorizing your storage using tags", Amazon S3 User Guide).
const MOST: usize = 10;

/// What is to be written.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Merged {
    /// It is there already.
    Same,
    /// The owner's tags leave no room.
    NoRoom,
    /// All of the owner's, in their order, and ours.
    Set(Vec<Tag>),
}

pub(super) fn merge(present: &[Tag], mark: Mark) -> Merged {
    if holds(present, mark) {
        return Merged::Same;
    }
    let others = present.iter().filter(|tag| tag.key() != OURS);
    let mut set: Vec<Tag> = others.cloned().collect();
    if set.len() >= MOST {
        return Merged::NoRoom;
    }
    set.push(ours(mark));
    Merged::Set(set)
}

/// Whether our tag is among them, with this value.
pub(super) fn holds(present: &[Tag], mark: Mark) -> bool {
    let value = mark.as_str();
    present
        .iter()
        .any(|tag| tag.key() == OURS && tag.value() == value)
}

/// The owner's tags among these as a header can carry them; `None` where ours is not among them, so
/// that they can be copied as they are.
pub(super) fn without_ours(present: &[Tag]) -> Option<String> {
    let owners: Vec<_> = present.iter().filter(|tag| tag.key() != OURS).collect();
    (owners.len() < present.len()).then(|| {
        let pairs = owners.into_iter().map(|tag| {
            let (key, value) = (encoded_part(tag.key()), encoded_part(tag.value()));
            format!("{key}={value}")
        });
        pairs.collect::<Vec<_>>().join("&")
    })
}

fn ours(mark: Mark) -> Tag {
    Tag::builder()
        .key(OURS)
        .value(mark.as_str())
        .build()
        .expect("key and value are given")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(key: &str, value: &str) -> Tag {
        Tag::builder().key(key).value(value).build().unwrap()
    }

    fn owners(count: usize) -> Vec<Tag> {
        (0..count).map(|n| tag(&format!("owner{n}"), "x")).collect()
    }

    #[test]
    fn no_tag_of_the_owner_is_ever_lost() {
        for count in 0..=9 {
            let present = owners(count);
            let Merged::Set(set) = merge(&present, Mark::Flagged) else {
                panic!("there is room beside {count}");
            };
            assert_eq!(set.get(..count), Some(&present[..]));
            assert_eq!(set.last(), Some(&tag(OURS, "flagged")));
            assert_eq!(set.len(), count + 1);
        }
        assert_eq!(merge(&owners(10), Mark::Flagged), Merged::NoRoom);
    }

    #[test]
    fn an_earlier_mark_is_replaced_even_where_there_is_no_room_for_another() {
        let mut present = owners(9);
        present.insert(4, tag(OURS, "clean"));
        let Merged::Set(set) = merge(&present, Mark::Undecided) else {
            panic!("its place can be used");
        };
        assert_eq!(set.len(), 10);
        assert!(holds(&set, Mark::Undecided));
        assert_eq!(set.iter().filter(|tag| tag.key() == OURS).count(), 1);
        assert_eq!(merge(&set, Mark::Undecided), Merged::Same);
    }

    #[test]
    fn the_owners_tags_go_back_without_ours() {
        assert_eq!(without_ours(&[]), None);
        assert_eq!(without_ours(&owners(3)), None);
        let only_ours = [tag(OURS, "flagged")];
        assert_eq!(without_ours(&only_ours), Some(String::new()));
        let mixed = [tag("a b", "x&y=z"), tag(OURS, "clean"), tag("팀", "+")];
        assert_eq!(
            without_ours(&mixed).as_deref(),
            Some("a%20b=x%26y%3Dz&%ED%8C%80=%2B")
        );
    }
}
