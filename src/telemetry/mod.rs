//! What operators see of a running process: log lines on standard error.
//!
//! Standard output belongs to results (tables, JSON), so logs never go there. A terminal gets text,
//! anything else JSON, one object per line. The level comes from the caller, who reads it from
//! `WARDEN_LOG` or `RUST_LOG`. Whatever it says, the HTTP and AWS libraries stay at `info`: below
//! that they print headers and bodies, and those hold credentials and people's data.

mod lines;
#[cfg(feature = "otlp")]
mod otlp;
pub mod vocabulary;

use std::io::{self, IsTerminal};

use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::filter::{EnvFilter, FilterExt, LevelFilter, ParseError, filter_fn};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::JsonFields;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};

/// The variable with the level of the log lines; the configuration does not take it for a setting.
pub const LOG_VARIABLE: &str = "WARDEN_LOG";

/// The variable that is asked when [`LOG_VARIABLE`] is not set.
pub const FALLBACK_LOG_VARIABLE: &str = "RUST_LOG";

/// The level of commands that people wait for: results are what they want to read.
pub const QUIET: &str = "warn";

/// The level of a service: its life, and what degrades it.
pub const SERVICE: &str = "info";

/// Libraries that print headers or bodies below `info`, by the beginning of their targets.
const CLAMPED: [&str; 4] = ["aws_", "hyper", "h2", "rustls"];

/// What a log line looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For eyes.
    Text,
    /// For machines: one JSON object per line.
    Json,
}

impl Format {
    /// Text where standard error is a terminal.
    pub fn of_stderr() -> Self {
        if io::stderr().is_terminal() {
            Self::Text
        } else {
            Self::Json
        }
    }
}

/// Logging could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The level cannot be read.
    #[error(
        "{variable}: {given:?} is no log level; write off, error, warn, info, debug or trace, or add \
         one for a part of the program, as in info,s3_warden::worker=debug"
    )]
    Level {
        /// Who asked for it.
        variable: &'static str,
        /// What was asked for.
        given: String,
        /// What is wrong with it, where that is known.
        #[source]
        source: Option<ParseError>,
    },
    /// Spans cannot be sent.
    #[cfg(feature = "otlp")]
    #[error("spans cannot be sent to the collector of OTEL_EXPORTER_OTLP_ENDPOINT: {0}")]
    Collector(String),
    /// Somebody was faster.
    #[error("logging is already set up")]
    Already(#[from] TryInitError),
}

/// Sets up logging for the whole process, once. `variable` looks up an environment variable;
/// `default` is the level where none says one, such as [`QUIET`] or [`SERVICE`].
///
/// What comes back has to be kept until the process ends: it sends the last spans.
///
/// # Errors
/// The level cannot be read, or logging is already set up.
pub fn init(
    variable: impl Fn(&str) -> Option<String>,
    format: Format,
    default: &str,
) -> Result<Telemetry, TelemetryError> {
    let level = wanted(level(&variable, default))?;
    let subscriber = subscriber(level, format, io::stderr);
    #[cfg(feature = "otlp")]
    let (subscriber, spans) = {
        let (layer, spans) = otlp::layer(&variable)?;
        (subscriber.with(layer), spans)
    };
    subscriber.try_init()?;
    Ok(Telemetry {
        #[cfg(feature = "otlp")]
        _spans: spans,
    })
}

/// What is set up for the process; dropped, it sends what has not been sent yet.
#[derive(Debug)]
#[must_use = "dropped, it ends the sending of spans"]
pub struct Telemetry {
    #[cfg(feature = "otlp")]
    _spans: otlp::Spans,
}

/// The level that was asked for, and by which variable: an empty one counts as not set.
fn level(variable: impl Fn(&str) -> Option<String>, default: &str) -> (&'static str, String) {
    [LOG_VARIABLE, FALLBACK_LOG_VARIABLE]
        .into_iter()
        .filter_map(|name| Some((name, variable(name)?)))
        .find(|(_, level)| !level.trim().is_empty())
        .unwrap_or_else(|| (LOG_VARIABLE, default.to_owned()))
}

/// What lets those lines through. A word that is no level would be taken for the name of a part, and
/// nothing else would be written any more: it is refused.
fn wanted((variable, given): (&'static str, String)) -> Result<EnvFilter, TelemetryError> {
    let directives = || given.split(',').map(str::trim).filter(|it| !it.is_empty());
    let is_read = |directive: &str| {
        let level = directive.rsplit('=').next().unwrap_or_default();
        !level.is_empty() && level.parse::<LevelFilter>().is_ok()
    };
    let parsed = match directives().next().is_some() && directives().all(is_read) {
        true => EnvFilter::builder()
            .parse(directives().collect::<Vec<_>>().join(","))
            .map_err(Some),
        false => Err(None),
    };
    parsed.map_err(|source| TelemetryError::Level {
        variable,
        given,
        source,
    })
}

/// Everything but the global part of [`init`].
fn subscriber<W>(
    wanted: EnvFilter,
    format: Format,
    writer: W,
) -> impl Subscriber + for<'a> LookupSpan<'a> + Send + Sync + use<W>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let layer = lines(format, writer).with_filter(wanted.and(filter_fn(is_safe)));
    tracing_subscriber::registry().with(layer)
}

/// The layer that writes lines.
fn lines<S, W>(format: Format, writer: W) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let layer = tracing_subscriber::fmt::layer().with_writer(writer);
    match format {
        Format::Text => layer.with_target(false).compact().boxed(),
        Format::Json => layer
            .fmt_fields(JsonFields::new())
            .event_format(lines::FlatJson)
            .with_ansi(false)
            .boxed(),
    }
}

/// Whether a line cannot hold what the libraries print below `info`.
fn is_safe(metadata: &Metadata<'_>) -> bool {
    let target = metadata.target();
    // Even its warnings print whole answers of the credential and metadata services.
    if target.starts_with("aws_config") {
        return *metadata.level() <= Level::ERROR;
    }
    let clamped = CLAMPED.iter().any(|prefix| target.starts_with(prefix));
    !clamped || *metadata.level() <= Level::INFO
}

#[cfg(test)]
mod tests {
    use super::vocabulary::{MESSAGE_ID, OBJECT_BUCKET, SPAN_MESSAGE, SPAN_OBJECT};
    use super::*;
    use std::sync::{Arc, Mutex, PoisonError};

    /// Remembers what was written.
    #[derive(Clone, Debug, Default)]
    struct Paper(Arc<Mutex<Vec<u8>>>);

    impl Paper {
        fn text(&self) -> String {
            let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            String::from_utf8(bytes.clone()).unwrap()
        }
    }

    impl io::Write for Paper {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let mut paper = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            paper.extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn written(level: &str, format: Format, work: impl FnOnce()) -> String {
        let paper = Paper::default();
        let copy = paper.clone();
        let wanted = wanted((LOG_VARIABLE, level.to_owned())).unwrap();
        let subscriber = subscriber(wanted, format, move || copy.clone());
        tracing::subscriber::with_default(subscriber, work);
        paper.text()
    }

    #[test]
    fn aws_and_http_stay_at_info_whatever_is_asked() {
        let text = written("trace,aws_smithy=trace,hyper=trace", Format::Text, || {
            tracing::debug!("ours");
            tracing::debug!(target: "aws_smithy_runtime::client", "headers");
            tracing::trace!(target: "hyper_util::client", "body");
            tracing::info!(target: "aws_smithy_runtime", "region found");
            tracing::warn!(target: "aws_config::imds::region", "raw answer with its body");
        });
        assert!(
            text.contains("ours") && text.contains("region found"),
            "{text}"
        );
        assert!(
            !text.contains("headers") && !text.contains("body"),
            "{text}"
        );
    }

    #[test]
    fn a_json_line_names_its_message() {
        let text = written("info", Format::Json, || {
            let span = tracing::info_span!(SPAN_MESSAGE, { MESSAGE_ID } = "m-1", count = 1);
            let _message = span.entered();
            let span = tracing::info_span!(SPAN_OBJECT, { OBJECT_BUCKET } = "b", count = 2);
            let _object = span.entered();
            tracing::info!(bytes = 7_u64, whole = true, "read \"it\"");
            tracing::debug!("hidden");
        });
        let line: serde_json::Value = serde_json::from_str(text.trim()).unwrap();
        assert_eq!(line["message"], "read \"it\"");
        assert_eq!(line["level"], "INFO");
        assert_eq!(
            line["spans"],
            serde_json::json!([SPAN_MESSAGE, SPAN_OBJECT])
        );
        assert_eq!(
            (&line[MESSAGE_ID], &line[OBJECT_BUCKET]),
            (&"m-1".into(), &"b".into())
        );
        assert_eq!(line["count"], 2, "the inner one wins");
        assert_eq!((&line["bytes"], &line["whole"]), (&7.into(), &true.into()));
        let written: jiff::Timestamp = line["timestamp"].as_str().unwrap().parse().unwrap();
        assert!(written.as_second() > 0);
    }

    #[test]
    fn our_variable_wins_and_an_empty_one_does_not_count() {
        let check = |ours: Option<&str>, rust: Option<&str>, by: &str, want: &str| {
            let variable = |name: &str| match name {
                LOG_VARIABLE => ours.map(str::to_owned),
                FALLBACK_LOG_VARIABLE => rust.map(str::to_owned),
                _ => None,
            };
            assert_eq!(level(variable, QUIET), (by, want.to_owned()));
        };
        check(None, None, LOG_VARIABLE, "warn");
        check(None, Some("info"), FALLBACK_LOG_VARIABLE, "info");
        check(Some("debug"), Some("info"), LOG_VARIABLE, "debug");
        check(Some(" "), Some("info"), FALLBACK_LOG_VARIABLE, "info");
    }

    #[test]
    fn a_level_that_cannot_be_read_is_said() {
        for given in [
            "warden=loud",
            "verbose",
            "s3_warden",
            "info,s3_warden",
            "nonsense=,,x",
            "warden=",
            "[message]",
            "[",
            ",",
        ] {
            let error = wanted((FALLBACK_LOG_VARIABLE, given.to_owned())).unwrap_err();
            let text = error.to_string();
            assert!(text.starts_with("RUST_LOG: "), "{text}");
            assert!(text.contains(&format!("{given:?}")), "{text}");
        }
        for given in ["off", "INFO", "debug,", " warn , s3_warden::worker=debug"] {
            let read = wanted((LOG_VARIABLE, given.to_owned()));
            assert!(read.is_ok(), "{given}: {read:?}");
        }
        let text = written(" warn, other=info", Format::Text, || {
            tracing::info!("ours");
            tracing::info!(target: "other", "theirs");
        });
        assert!(!text.contains("ours") && text.contains("theirs"), "{text}");
    }
}
