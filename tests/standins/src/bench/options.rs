//! The arguments of the benchmark.

use std::path::PathBuf;

/// How it is called.
pub const USAGE: &str =
    "standins bench --warden PROGRAM [--in-flight N]... [--objects N] [--image-kb N]
                [--model-ms N] [--env NAME=VALUE]... [--limit-seconds N] [--json]";

/// What to measure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// The program; it is called with the argument `run`.
    pub warden: PathBuf,
    /// Pictures in flight, a run each.
    pub in_flight: Vec<u32>,
    /// Pictures of a run.
    pub objects: u64,
    /// The size of each picture, in thousands of bytes, roughly.
    pub image_kb: u32,
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
            in_flight: Vec::new(),
            objects: 1_000,
            image_kb: 300,
            model_ms: 200,
            env: Vec::new(),
            limit_seconds: 300,
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
                "--in-flight" => options.in_flight.push(number(name, value)?),
                "--objects" => options.objects = number(name, value)?,
                "--image-kb" => options.image_kb = number(name, value)?,
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
        if options.in_flight.is_empty() {
            options.in_flight.push(32);
        }
        if options.in_flight.contains(&0) || options.objects == 0 || options.image_kb == 0 {
            return Err("numbers of pictures and their size are above zero".to_owned());
        }
        Ok(options)
    }
}

pub(super) fn number<T: std::str::FromStr>(name: &str, value: &str) -> Result<T, String> {
    let parsed = value.parse();
    parsed.map_err(|_| format!("{name} takes a number, not {value}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(arguments: &str, expected: Result<(u64, &[u32], bool), &str>) {
        let arguments: Vec<_> = arguments.split_whitespace().collect();
        let parsed = Options::parse(&arguments);
        let parsed = parsed.map(|of| (of.objects, of.in_flight, of.json));
        let expected = expected.map(|(objects, flight, json)| (objects, flight.to_vec(), json));
        assert_eq!(parsed, expected.map_err(str::to_owned), "{arguments:?}");
    }

    #[test]
    fn arguments_are_read_or_named() {
        check("--warden w", Ok((1_000, &[32], false)));
        let two = "--warden w --in-flight 32 --in-flight 64 --objects 9 --json --env A=b=c";
        check(two, Ok((9, &[32, 64], true)));
        check("", Err("--warden is missing"));
        let word = Err("--objects takes a number, not x");
        check("--warden w --objects x", word);
        check("--warden w --fast 1", Err("there is no option --fast"));
        check("--warden", Err("--warden needs a value"));
        let zero = Err("numbers of pictures and their size are above zero");
        check("--warden w --in-flight 0", zero);
    }
}
