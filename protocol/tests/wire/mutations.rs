//! Frames that are almost right: every way of spoiling one value or one object of a frame.

use serde_json::{Map, Value, json};

/// A JSON pointer to every value below `value`, with the value.
pub(crate) fn places(value: &Value) -> Vec<(String, Value)> {
    let mut found = vec![(String::new(), value.clone())];
    let below: Vec<(String, &Value)> = match value {
        Value::Object(fields) => fields
            .iter()
            .map(|(key, value)| (key.clone(), value))
            .collect(),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .map(|(n, value)| (n.to_string(), value))
            .collect(),
        _ => Vec::new(),
    };
    for (key, value) in below {
        found.extend(
            places(value)
                .into_iter()
                .map(|(path, value)| (format!("/{key}{path}"), value)),
        );
    }
    found
}

/// The value with another one in one place.
pub(crate) fn with(value: &Value, place: &str, other: Value) -> Value {
    let mut changed = value.clone();
    *changed.pointer_mut(place).unwrap() = other;
    changed
}

/// The value without one field.
pub(crate) fn without(value: &Value, place: &str) -> Value {
    let (parent, key) = place.rsplit_once('/').unwrap();
    let mut changed = value.clone();
    changed
        .pointer_mut(parent)
        .unwrap()
        .as_object_mut()
        .unwrap()
        .remove(key);
    changed
}

/// The value with a field that nobody knows in each of its objects, except in those whose keys are names of rooms.
pub(crate) fn with_unknown_fields(value: &Value) -> Vec<Value> {
    let is_a_map_of_rooms = |place: &str| place.ends_with("/read") || place.ends_with("/heads");
    let objects = places(value)
        .into_iter()
        .filter(|(place, value)| value.is_object() && !is_a_map_of_rooms(place));
    let add = |(place, object): (String, Value)| {
        let mut fields: Map<_, _> = object.as_object().unwrap().clone();
        fields.insert("surprise".to_owned(), json!(1));
        with(value, &place, Value::Object(fields))
    };
    objects.map(add).collect()
}

/// Values of every type but that of `value`. A number with a fraction is another type than a whole one.
pub(crate) fn other_types(value: &Value) -> Vec<Value> {
    let all = [
        json!(true),
        json!(7),
        json!(7.0),
        json!("text"),
        json!([]),
        json!({}),
        json!([7]),
        json!({ "text": 7 }),
    ];
    let same = |other: &Value| match value {
        Value::Number(_) => other.is_i64(),
        _ => std::mem::discriminant(other) == std::mem::discriminant(value),
    };
    all.into_iter().filter(|other| !same(other)).collect()
}
