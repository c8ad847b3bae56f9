//! A client for one request at a time, for the stand-ins' own tests and the benchmark.

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{Request, Response};
use hyper_util::client::legacy::Client as Pooled;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

/// A client with a pool of connections.
#[derive(Debug, Clone)]
pub struct Client(Pooled<HttpConnector, Full<Bytes>>);

impl Default for Client {
    fn default() -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Self(Pooled::builder(TokioExecutor::new()).build(connector))
    }
}

impl Client {
    /// Sends a request and reads the whole answer.
    ///
    /// # Errors
    ///
    /// In words, when the other side could not be reached or hung up.
    pub async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, String> {
        let (head, body) = request.into_parts();
        let request = Request::from_parts(head, Full::new(body));
        let answer = self.0.request(request).await.map_err(|e| e.to_string())?;
        let (head, body) = answer.into_parts();
        let body = body.collect().await.map_err(|e| e.to_string())?.to_bytes();
        Ok(Response::from_parts(head, body))
    }

    /// Posts JSON and reads JSON.
    ///
    /// # Errors
    ///
    /// As [`Client::send`], and when the answer is no JSON.
    pub async fn post(
        &self,
        url: &str,
        body: &serde_json::Value,
    ) -> Result<(u16, serde_json::Value), String> {
        let request = Request::post(url)
            .header("content-type", "application/json")
            .body(Bytes::from(body.to_string()))
            .map_err(|e| e.to_string())?;
        let answer = self.send(request).await?;
        let body = serde_json::from_slice(answer.body()).map_err(|e| e.to_string())?;
        Ok((answer.status().as_u16(), body))
    }
}
