//! The arguments of the storm.

use std::path::PathBuf;

use crate::bench::options::number;

/// How it is called.
pub const USAGE: &str = "standins storm --warden PROGRAM [--processes N]... [--objects N]
                [--flagged-every N] [--send-seconds N] [--model-ms N] [--env NAME=VALUE]...
                [--limit-seconds N] [--json]";

/// What to measure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// The program; it is called with the argument `run`.
    pub warden: PathBuf,
    /// Services side by side, a run each.
    pub processes: Vec<u32>,
    /// Uploads of a run.
    pub objects: u64,
    /// Every so many uploads one holds personal data.
    pub flagged_every: u64,
    /// Within how many seconds the uploads are sent.
    pub send_seconds: u64,
    /// How long the model takes, in milliseconds.
    pub model_ms: u64,
    /// Further settings for the program.
    pub env: Vec<(String, String)>,
    /// How long any stage may take, in seconds.
    pub limit_seconds: u64,
    /// Whether to print JSON instead of a table.
    pub json: bool,
}

impl Options {
    /// Reads arguments.
    ///
    /// # Errors
    ///
    /// With the argument that can't be read, in words.
    pub fn parse(arguments: &[&str]) -> Result<Self, String> {
        let mut options = Self {
            warden: PathBuf::new(),
            processes: Vec::new(),
            objects: 10_000,
            flagged_every: 5,
            send_seconds: 55,
            model_ms: 200,
            env: Vec::new(),
            limit_seconds: 900,
            json: false,
        };
        let mut rest = arguments.iter();
        while let Some(name) = rest.next() {
            if *name == "--json" {
                options.json = true;
                continue;
            }
            let value = rest.next().ok_or_else(|| format!("{name} needs a value"))?;
            match *name {
                "--warden" => options.warden = value.into(),
                "--processes" => options.processes.push(number(name, value)?),
                "--objects" => options.objects = number(name, value)?,
                "--flagged-every" => options.flagged_every = number(name, value)?,
                "--send-seconds" => options.send_seconds = number(name, value)?,
                "--model-ms" => options.model_ms = number(name, value)?,
                "--limit-seconds" => options.limit_seconds = number(name, value)?,
                "--env" => {
                    let pair = value.split_once('=');
                    let (key, value) = pair.ok_or("--env takes NAME=VALUE")?;
                    options.env.push((key.to_owned(), value.to_owned()));
                }
                _ => return Err(format!("there is no option {name}")),
            }
        }
        if options.warden.as_os_str().is_empty() {
            return Err("--warden is missing".to_owned());
        }
        if options.processes.is_empty() {
            options.processes = vec![1, 4, 16];
        }
        if options.processes.contains(&0) || options.objects == 0 || options.flagged_every == 0 {
            return Err("numbers of services and uploads are above zero".to_owned());
        }
        Ok(options)
    }

    /// Whether the upload of this number holds personal data.
    pub(super) fn is_flagged(&self, number: u64) -> bool {
        number.is_multiple_of(self.flagged_every)
    }

    /// How many do.
    pub(super) fn flagged(&self) -> u64 {
        self.objects.div_ceil(self.flagged_every)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(arguments: &str, expected: Result<(u64, u64, &[u32]), &str>) {
        let arguments: Vec<_> = arguments.split_whitespace().collect();
        let parsed = Options::parse(&arguments);
        let parsed = parsed.map(|of| (of.objects, of.flagged(), of.processes));
        let expected = expected.map(|(all, flagged, of)| (all, flagged, of.to_vec()));
        assert_eq!(parsed, expected.map_err(str::to_owned), "{arguments:?}");
    }

    #[test]
    fn arguments_are_read_or_named() {
        check("--warden w", Ok((10_000, 2_000, &[1, 4, 16])));
        let some = "--warden w --processes 2 --objects 11 --flagged-every 5 --json";
        check(some, Ok((11, 3, &[2])));
        check("", Err("--warden is missing"));
        check("--warden w --fast 1", Err("there is no option --fast"));
        let zero = Err("numbers of services and uploads are above zero");
        check("--warden w --processes 0", zero);
    }

    #[test]
    fn as_many_are_flagged_as_are_said_to_be() {
        for objects in [1, 5, 11, 200] {
            let objects_text = objects.to_string();
            let arguments = ["--warden", "w", "--objects", &objects_text];
            let options = Options::parse(&arguments).unwrap();
            let marked = (0..objects).filter(|number| options.is_flagged(*number));
            assert_eq!(marked.count() as u64, options.flagged());
        }
    }
}
