//! Reads a request's parameters, by position, into a tuple.
//!
//! `(EthAddress, Option<BlockId>)` is one parameter that must be there and one that may be left out or `null`. Refusals are in
//! go-ethereum's words and name the position. Source: go-ethereum, `rpc/json.go`.

use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::error::RpcRejected;

/// Parameters of a method: a tuple of up to four.
pub trait Arguments: Sized {
    /// Reads the parameters as they came, `None` if there were none.
    ///
    /// # Errors
    /// [`RpcRejected`] for the first one at fault.
    fn read(json: Option<&str>) -> Result<Self, RpcRejected>;
}

/// Any parameters, for a method that refuses whatever they are.
pub struct Anything;

impl Arguments for Anything {
    fn read(_: Option<&str>) -> Result<Self, RpcRejected> {
        Ok(Self)
    }
}

macro_rules! arguments {
    ($most:literal, $($position:literal: $name:ident),*) => {
        impl<$($name: DeserializeOwned),*> Arguments for ($($name,)*) {
            fn read(json: Option<&str>) -> Result<Self, RpcRejected> {
                let values = split(json, $most)?;
                // An empty tuple leaves it unused.
                let _ = &values;
                Ok(($(one::<$name>(&values, $position)?,)*))
            }
        }
    };
}
arguments!(0,);
arguments!(1, 0: A);
arguments!(2, 0: A, 1: B);
arguments!(3, 0: A, 1: B, 2: C);
arguments!(4, 0: A, 1: B, 2: C, 3: D);

fn split(json: Option<&str>, most: usize) -> Result<Vec<&RawValue>, RpcRejected> {
    let values: Option<Vec<&RawValue>> = match json {
        Some(json) => serde_json::from_str(json).map_err(|_| RpcRejected::NotAList)?,
        None => None,
    };
    let values = values.unwrap_or_default();
    if values.len() > most {
        return Err(RpcRejected::TooManyArguments { most });
    }
    Ok(values)
}

fn one<T: DeserializeOwned>(values: &[&RawValue], position: usize) -> Result<T, RpcRejected> {
    match values.get(position) {
        Some(value) => serde_json::from_str(value.get()).map_err(|why| match value.get() {
            "null" => RpcRejected::MissingArgument { position },
            _ => RpcRejected::argument(position, without_place(&why.to_string())),
        }),
        // What reads `null` may be left out.
        None => serde_json::from_str("null").map_err(|_| RpcRejected::MissingArgument { position }),
    }
}

/// A parser's complaint without the line and column, which mean nothing within one parameter.
fn without_place(complaint: &str) -> &str {
    complaint.rfind(" at line ").map_or(complaint, |end| &complaint[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    type One = (u64, Option<u64>);

    #[test]
    fn what_may_be_left_out_may_be_null_too() {
        for json in ["[1]", "[1,null]", " [ 1 , null ] "] {
            assert_eq!(One::read(Some(json)), Ok((1, None)), "{json}");
        }
        assert_eq!(One::read(Some("[1,2]")), Ok((1, Some(2))));
        for json in [None, Some("null"), Some("[]")] {
            assert_eq!(<()>::read(json), Ok(()), "{json:?}");
        }
    }

    #[test]
    fn each_fault_is_refused_for_its_own_reason() {
        for (json, refusal) in [
            (None, "missing value for required argument 0"),
            (Some("[]"), "missing value for required argument 0"),
            (Some("[null]"), "missing value for required argument 0"),
            (Some("{\"a\":1}"), "non-array args: parameters go by position, as a list"),
            (Some("[1,2,3]"), "too many arguments, want at most 2"),
            (Some("[-1]"), "invalid argument 0: invalid value: integer `-1`, expected u64"),
            (Some("[1,\"a\"]"), "invalid argument 1: invalid type: string \"a\", expected u64"),
        ] {
            assert_eq!(One::read(json).unwrap_err().to_string(), refusal, "{json:?}");
        }
    }
}
