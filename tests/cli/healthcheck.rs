//! `healthcheck` against an endpoint that is there, one that is not, and settings that cannot work.

use std::sync::Arc;

use s3_warden::clock::SystemClock;
use s3_warden::ops::{Metrics, Ops};
use s3_warden::worker::Vitals;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::kit::Home;

const LISTEN: &str = "WARDEN_OPS__LISTEN";

#[tokio::test]
async fn what_is_healthy_exits_with_0_and_what_is_gone_with_1() {
    let metrics = Arc::new(Metrics::new(Arc::new(SystemClock)));
    let anywhere = "127.0.0.1:0".parse().unwrap();
    let ops = Ops::bind(anywhere, Vitals::new(), metrics).await.unwrap();
    let home = Home::new().with(LISTEN, &ops.address().to_string());
    let stop = CancellationToken::new();
    let mut serving = JoinSet::new();
    serving.spawn(ops.serve(stop.clone()));
    let healthy = home.run(&["healthcheck"]).await.ended(0);
    assert_eq!(healthy.json_document()["status"], "ok");

    stop.cancel();
    serving.join_next().await.unwrap().unwrap();
    let gone = home.run(&["healthcheck"]).await.ended(1);
    assert!(
        gone.out.contains("nobody answers at 127.0.0.1:"),
        "{gone:?}"
    );
}

#[tokio::test]
async fn another_service_that_says_ok_is_not_ours() {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await;
    let listener = listener.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let answer = || async { "{\"status\":\"ok\"}" };
    let router = axum::Router::new().route("/healthz", axum::routing::get(answer));
    let mut serving = JoinSet::new();
    serving.spawn(axum::serve(listener, router).into_future());
    let strange = Home::new().with(LISTEN, &address);
    let strange = strange.run(&["healthcheck"]).await.ended(1);
    assert!(
        strange.out.contains("does not answer like this service"),
        "{strange:?}"
    );
}

#[tokio::test]
async fn an_address_that_nobody_can_ask_is_a_mistake() {
    for (listen, words) in [
        ("127.0.0.1:0", "port 0"),
        ("", "ops.listen is empty"),
        ("here", "ops.listen"),
    ] {
        let home = Home::new().with(LISTEN, listen);
        home.run(&["healthcheck"]).await.refused(64, &[words]);
    }
}
