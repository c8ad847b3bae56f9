//! Spans for an OpenTelemetry collector, set up by the ordinary `OTEL_*` variables.
//!
//! Nothing is sent unless a variable names a collector (`OTEL_EXPORTER_OTLP_ENDPOINT` or
//! `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`), by `http/protobuf` and without TLS: the collector is
//! meant to run beside the service. Spans are sent from a runtime of their own, since logging is
//! set up before the service's runtime and outlives it. Only our own spans go out; libraries below
//! us put people's data into theirs.

use std::sync::Arc;
use std::time::Duration;

use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::{
    OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, SpanExporter, WithExportConfig,
};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::{SdkTracerProvider, SpanData, SpanExporter as Exporter};
use tokio::runtime::{Builder, Handle, Runtime};
use tracing::{Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::registry::LookupSpan;

use super::TelemetryError;
use super::vocabulary::{ERROR_CODE, ERROR_DETAIL};

/// How long the last spans may take, so that a collector that is gone does not keep us.
const LAST_SPANS: Duration = Duration::from_secs(5);

/// The name of the service where no variable says another.
const SERVICE_NAME: &str = "s3-warden";

/// The beginning of the targets that go out.
const OURS: &str = "s3_warden";

/// What sends spans; dropped, it sends those that are left.
#[derive(Debug)]
pub(super) struct Spans(Option<(SdkTracerProvider, Runtime)>);

impl Drop for Spans {
    fn drop(&mut self) {
        let Some((provider, runtime)) = self.0.take() else {
            return;
        };
        if let Err(error) = provider.shutdown_with_timeout(LAST_SPANS) {
            tracing::warn!(
                { ERROR_CODE } = "spans_unsent",
                { ERROR_DETAIL } = %error,
                "the last spans were not sent"
            );
        }
        runtime.shutdown_background();
    }
}

/// The layer that takes spans, if a variable names a collector.
pub(super) fn layer<S>(
    variable: impl Fn(&str) -> Option<String>,
) -> Result<(Option<impl Layer<S> + Send + Sync>, Spans), TelemetryError>
where
    S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
{
    let set = |name: &str| variable(name).filter(|value| !value.trim().is_empty());
    let off = set("OTEL_SDK_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true"))
        || set("OTEL_TRACES_EXPORTER").is_some_and(|value| value == "none");
    let endpoint = set(OTEL_EXPORTER_OTLP_TRACES_ENDPOINT).or(set(OTEL_EXPORTER_OTLP_ENDPOINT));
    let Some(endpoint) = endpoint.filter(|_| !off) else {
        return Ok((None, Spans(None)));
    };
    if !endpoint.starts_with("http://") {
        return Err(TelemetryError::Collector(format!(
            "{endpoint} is not an http:// address; run the collector beside the service"
        )));
    }
    let named = set("OTEL_SERVICE_NAME").is_some()
        || set("OTEL_RESOURCE_ATTRIBUTES").is_some_and(|all| all.contains("service.name="));
    let (layer, spans) = sending(None, named)?;
    Ok((Some(layer), spans))
}

/// The layer, to an address other than that of the variables if one is given.
fn sending<S>(
    endpoint: Option<&str>,
    named: bool,
) -> Result<(impl Layer<S> + Send + Sync, Spans), TelemetryError>
where
    S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
{
    let failed = |error: &dyn std::error::Error| TelemetryError::Collector(error.to_string());
    let runtime = Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("spans")
        .enable_all()
        .build()
        .map_err(|error| failed(&error))?;
    let exporter = {
        let _inside = runtime.enter();
        let mut exporter = SpanExporter::builder().with_http();
        if let Some(endpoint) = endpoint {
            exporter = exporter.with_endpoint(endpoint);
        }
        exporter.build().map_err(|error| failed(&error))?
    };
    let mut resource = Resource::builder();
    if !named {
        resource = resource.with_service_name(SERVICE_NAME);
    }
    let provider = SdkTracerProvider::builder()
        .with_resource(resource.build())
        .with_batch_exporter(OnRuntime {
            inner: Arc::new(exporter),
            runtime: runtime.handle().clone(),
        })
        .build();
    let layer = tracing_opentelemetry::layer()
        .with_tracer(provider.tracer(SERVICE_NAME))
        .with_filter(filter_fn(|metadata| {
            metadata.target().starts_with(OURS) && *metadata.level() <= Level::INFO
        }));
    Ok((layer, Spans(Some((provider, runtime)))))
}

/// Sends from the runtime that the HTTP client needs, whichever thread asks.
#[derive(Debug)]
struct OnRuntime<E> {
    inner: Arc<E>,
    runtime: Handle,
}

impl<E: Exporter + 'static> Exporter for OnRuntime<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let inner = Arc::clone(&self.inner);
        let sent = self.runtime.spawn(async move { inner.export(batch).await });
        sent.await
            .unwrap_or_else(|_| Err(OTelSdkError::InternalFailure("it panicked".to_owned())))
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        // Called once, before anything is sent and before the exporter is shared.
        if let Some(inner) = Arc::get_mut(&mut self.inner) {
            inner.set_resource(resource);
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::Bytes;
    use axum::routing::post;
    use tokio::net::TcpListener;
    use tokio::sync::mpsc;
    use tokio::task::JoinSet;
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;
    use crate::telemetry::vocabulary::{MESSAGE_ID, SPAN_MESSAGE};

    #[tokio::test(flavor = "multi_thread")]
    async fn a_collector_gets_our_spans_and_nobody_elses() {
        let (got, mut spans) = mpsc::unbounded_channel::<Bytes>();
        let take = move |body: Bytes| {
            got.send(body).unwrap();
            async {}
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}/v1/traces", listener.local_addr().unwrap());
        let mut collector = JoinSet::new();
        let router = Router::new().route("/v1/traces", post(take));
        collector.spawn(async move { axum::serve(listener, router).await });
        let work = tokio::task::spawn_blocking(move || {
            let (layer, sending) = sending(Some(&endpoint), false).unwrap();
            let subscriber = tracing_subscriber::registry().with(layer);
            tracing::subscriber::with_default(subscriber, || {
                drop(tracing::info_span!(SPAN_MESSAGE, { MESSAGE_ID } = "m-77").entered());
                drop(tracing::info_span!(target: "hyper", "theirs").entered());
                drop(tracing::debug_span!("too fine").entered());
            });
            drop(sending);
        });
        work.await.unwrap();
        let body = spans.recv().await.unwrap();
        let text = String::from_utf8_lossy(&body);
        for part in [SPAN_MESSAGE, MESSAGE_ID, "m-77", SERVICE_NAME] {
            assert!(text.contains(part), "{part} is missing");
        }
        assert!(!text.contains("theirs") && !text.contains("too fine"));
    }

    #[test]
    fn without_a_collector_nothing_is_sent_and_a_strange_one_is_refused() {
        type Plain = tracing_subscriber::Registry;
        let check = |name: &'static str, value: &'static str| {
            let found = layer::<Plain>(move |asked| (asked == name).then(|| value.to_owned()));
            found.map(|(layer, _)| layer.is_some())
        };
        assert!(!check("OTHER", "x").unwrap());
        assert!(!check(OTEL_EXPORTER_OTLP_ENDPOINT, " ").unwrap());
        let refused = check(OTEL_EXPORTER_OTLP_ENDPOINT, "https://collector:4318");
        assert!(refused.unwrap_err().to_string().contains("http://"));
    }
}
