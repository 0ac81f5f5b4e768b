//! Errors of the HTTP API: `{"code", "message"}` with a status. Internals are never in them.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header::RETRY_AFTER},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use sphere_protocol::Code;

use crate::limits::Exceeded;

/// An error with its status.
#[derive(Debug, Clone)]
pub struct Problem {
    status: StatusCode,
    code: Code,
    message: String,
    retry_after: Option<u64>,
}

#[derive(Serialize)]
struct Body<'a> {
    code: Code,
    message: &'a str,
}

impl Problem {
    /// An error with the code's own sentence.
    pub fn new(status: StatusCode, code: Code) -> Self {
        Self {
            status,
            code,
            message: code.text().to_owned(),
            retry_after: None,
        }
    }

    /// The request cannot be understood.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            ..Self::new(StatusCode::BAD_REQUEST, Code::BadFrame)
        }
    }
}

impl From<Exceeded> for Problem {
    fn from(exceeded: Exceeded) -> Self {
        let seconds = exceeded.0.as_secs() + u64::from(exceeded.0.subsec_nanos() > 0);
        let problem = Self::new(StatusCode::TOO_MANY_REQUESTS, Code::RateLimited);
        Self {
            message: "Too many requests in a short time.".to_owned(),
            retry_after: Some(seconds.max(1)),
            ..problem
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = (
            self.status,
            Json(Body {
                code: self.code,
                message: &self.message,
            }),
        )
            .into_response();
        if let Some(seconds) = self.retry_after {
            response
                .headers_mut()
                .insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
