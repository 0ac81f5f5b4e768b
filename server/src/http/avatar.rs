//! `GET /avatar/{userId}.svg`: a picture drawn from the id. Nothing about the user is looked up.

use axum::{
    extract::{Path, rejection::PathRejection},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use sphere_protocol::{Code, avatar::Avatar};

use super::problem::Problem;

/// Longer names are nobody's id.
const MAX_ID: usize = 64;

/// Draws the picture. It may run no script even when it is opened on its own.
pub async fn avatar(file: Result<Path<String>, PathRejection>) -> Response {
    let file = file.map(|Path(file)| file).unwrap_or_default();
    let Some(id) = file
        .strip_suffix(".svg")
        .filter(|id| (1..=MAX_ID).contains(&id.len()))
    else {
        return Problem::new(StatusCode::NOT_FOUND, Code::UnknownEvent).into_response();
    };
    let headers = [
        (header::CONTENT_TYPE, "image/svg+xml"),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; sandbox",
        ),
    ];
    (headers, Avatar::of(id).svg()).into_response()
}
