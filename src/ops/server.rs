//! The endpoint: three small answers over HTTP/1.1.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::Serialize;
use tokio::net::TcpListener;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::health::{health, readiness};
use super::metrics::Metrics;
use crate::telemetry::vocabulary::{ERROR_CODE, ERROR_DETAIL, OPS_ADDRESS};
use crate::worker::Vitals;

/// How often histograms take in what they have gathered.
const UPKEEP: Duration = Duration::from_secs(5);

/// How long connections may take to end after a stop.
const GOODBYE: Duration = Duration::from_secs(2);

/// The text format of Prometheus, version 0.0.4.
const PROMETHEUS: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The endpoint cannot be opened.
#[derive(Debug, thiserror::Error)]
#[error(
    "ops.listen: {address} cannot be listened on; choose another address or port, or leave it empty to serve nothing"
)]
pub struct OpsError {
    address: SocketAddr,
    #[source]
    source: io::Error,
}

/// The endpoint, open and not yet answering.
#[derive(Debug)]
pub struct Ops {
    listener: TcpListener,
    address: SocketAddr,
    shown: Shown,
}

#[derive(Clone, Debug)]
struct Shown {
    vitals: Vitals,
    metrics: Arc<Metrics>,
}

impl Ops {
    /// Opens it: from now on connections are taken, and answered once it is served.
    ///
    /// # Errors
    /// The address is taken, or not ours.
    pub async fn bind(
        listen: SocketAddr,
        vitals: Vitals,
        metrics: Arc<Metrics>,
    ) -> Result<Self, OpsError> {
        let failed = |source| OpsError {
            address: listen,
            source,
        };
        let listener = TcpListener::bind(listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Self {
            listener,
            address,
            shown: Shown { vitals, metrics },
        })
    }

    /// Where it is, with the port that was found for port 0.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until `stop`, which comes last of all: a service that drains is looked at too.
    pub async fn serve(self, stop: CancellationToken) {
        let router = Router::new()
            .route("/healthz", get(healthz))
            .route("/readyz", get(readyz))
            .route("/metrics", get(metrics))
            .with_state(self.shown.clone());
        tracing::info!({ OPS_ADDRESS } = %self.address, "ops endpoint listens");
        let serving = axum::serve(self.listener, router)
            .with_graceful_shutdown(stop.clone().cancelled_owned())
            .into_future();
        let cut_off = async {
            stop.cancelled().await;
            tokio::time::sleep(GOODBYE).await;
        };
        tokio::select! {
            served = serving => {
                if let Err(error) = served {
                    tracing::error!(
                        { ERROR_CODE } = "ops_ended",
                        { ERROR_DETAIL } = %error,
                        "health, readiness and metrics are no longer served"
                    );
                }
            }
            () = keep_up(&self.shown.metrics) => {}
            () = cut_off => {}
        }
    }
}

/// Never ends.
async fn keep_up(metrics: &Metrics) {
    let mut every = interval(UPKEEP);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        every.tick().await;
        metrics.upkeep();
    }
}

async fn healthz(State(shown): State<Shown>) -> Response {
    let health = health(&shown.vitals.snapshot());
    json(health.is_ok(), &health)
}

async fn readyz(State(shown): State<Shown>) -> Response {
    let readiness = readiness(&shown.vitals.snapshot());
    json(readiness.is_ready(), &readiness)
}

async fn metrics(State(shown): State<Shown>) -> Response {
    let text = shown.metrics.render(&shown.vitals.snapshot());
    let kind = HeaderValue::from_static(PROMETHEUS);
    ([(header::CONTENT_TYPE, kind)], text).into_response()
}

fn json(good: bool, answer: &impl Serialize) -> Response {
    let status = if good {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let text = serde_json::to_string(answer).expect("answers are plain data");
    let kind = HeaderValue::from_static("application/json");
    let fresh = HeaderValue::from_static("no-store");
    let headers = [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, fresh)];
    (status, headers, text).into_response()
}
