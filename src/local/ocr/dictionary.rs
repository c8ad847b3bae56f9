//! The characters that a recognition model tells apart.

/// One text for every class of the model.
pub(super) struct Dictionary {
    letters: Vec<Box<str>>,
}

impl std::fmt::Debug for Dictionary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dictionary")
            .field("classes", &self.letters.len())
            .finish()
    }
}

impl Dictionary {
    /// The class that stands for no letter.
    pub(super) const BLANK: usize = 0;

    /// Reads one character a line, for a model with `classes` classes.
    ///
    /// Either form is taken: complete (first line `blank`, last line a space), or upstream's own,
    /// where those two are left out. On a mismatch, the number of lines comes back.
    pub(super) fn parse(text: &str, classes: usize) -> Result<Self, usize> {
        let lines: Vec<&str> = text.lines().collect();
        let complete = lines.first() == Some(&"blank") && lines.len() == classes;
        let letters = if complete {
            lines.into_iter().map(Box::from).collect()
        } else if lines.len() + 2 == classes {
            let ends = (std::iter::once("blank"), std::iter::once(" "));
            ends.0.chain(lines).chain(ends.1).map(Box::from).collect()
        } else {
            return Err(lines.len());
        };
        Ok(Self { letters })
    }

    /// How many classes there are.
    pub(super) fn classes(&self) -> usize {
        self.letters.len()
    }

    /// What a class stands for.
    pub(super) fn letter(&self, class: usize) -> &str {
        self.letters.get(class).map_or("", AsRef::as_ref)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_give_the_same_letters() {
        let complete = Dictionary::parse("blank\na\nb\n \n", 4).unwrap();
        let upstream = Dictionary::parse("a\nb\n", 4).unwrap();
        assert_eq!(complete.letters, upstream.letters);
        assert_eq!(complete.letter(2), "b");
        assert_eq!(complete.letter(3), " ");
        assert_eq!(complete.letter(99), "");
    }

    #[test]
    fn a_dictionary_of_another_model_is_refused() {
        assert_eq!(Dictionary::parse("a\nb\nc\n", 4).err(), Some(3));
        // Four lines, but no blank: one character too many.
        assert_eq!(Dictionary::parse("a\nb\nc\nd\n", 4).err(), Some(4));
    }
}
