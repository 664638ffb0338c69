//! Frames within frames, as JSON.
//!
//! Calls are up to some thousand deep, and how deep is the caller's to choose: so the text is made by a loop, with no more stack than a flat
//! list takes.

use serde::Serialize;
use serde_json::value::RawValue;

use crate::error::RpcRejected;
use crate::methods::to_json;

/// Frames with their depth, each before those below it and the first at depth 0, as one object. Each object gets its frames below as
/// its last member, the list `below`; it must have another member itself.
///
/// # Errors
/// [`RpcRejected::Internal`] for what has no JSON form, or for frames in another order: a defect.
pub fn nested<T: Serialize>(
    frames: impl IntoIterator<Item = (usize, T)>,
    below: &str,
) -> Result<Box<RawValue>, RpcRejected> {
    let mut json = String::new();
    let mut open = 0;
    for (depth, frame) in frames {
        if depth < open {
            close(&mut json, open - depth);
            json.push(',');
        } else if depth > 0 {
            json.push_str(",\"");
            json.push_str(below);
            json.push_str("\":[");
        }
        let frame = to_json(&frame)?;
        json.push_str(frame.get().strip_suffix('}').unwrap_or(frame.get()));
        open = depth + 1;
    }
    close(&mut json, open);
    RawValue::from_string(json).map_err(|why| {
        tracing::error!(%why, "frames do not nest");
        RpcRejected::Internal("the frames of a trace do not nest")
    })
}

/// Closes so many objects that are open, and the lists between them.
fn close(json: &mut String, objects: usize) {
    for closed in 0..objects {
        json.push_str(if closed == 0 { "}" } else { "]}" });
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::{Value, json};

    use super::*;

    fn of(depths: &[usize]) -> Result<Value, RpcRejected> {
        let frames = depths.iter().enumerate().map(|(id, depth)| (*depth, BTreeMap::from([("id", id)])));
        nested(frames, "calls").map(|json| serde_json::from_str(json.get()).unwrap())
    }

    #[test]
    fn frames_come_where_they_belong() {
        assert_eq!(of(&[0]), Ok(json!({ "id": 0 })));
        let two = json!({ "id": 0, "calls": [{ "id": 1 }, { "id": 2 }] });
        assert_eq!(of(&[0, 1, 1]), Ok(two));
        let tree =
            json!({ "id": 0, "calls": [{ "id": 1, "calls": [{ "id": 2, "calls": [{ "id": 3 }] }] }, { "id": 4 }] });
        assert_eq!(of(&[0, 1, 2, 3, 1]), Ok(tree));
    }

    #[test]
    fn frames_in_no_order_are_a_defect_and_no_answer() {
        for depths in [&[0, 0][..], &[1, 0], &[]] {
            assert!(matches!(of(depths), Err(RpcRejected::Internal(_))), "{depths:?}");
        }
    }

    #[test]
    fn depth_costs_no_stack() {
        let deep = (0..100_000).map(|depth| (depth, BTreeMap::from([("id", depth)])));
        let json = nested(deep, "calls").unwrap();
        assert!(json.get().ends_with(&"]}".repeat(99_999)));
    }
}
