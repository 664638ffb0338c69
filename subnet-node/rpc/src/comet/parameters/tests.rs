use super::*;

const NAMES: &[&str] = &["height", "page"];

#[test]
fn names_positions_and_uris_come_to_one_list() {
    for (json, list) in [
        (None, "[]"),
        (Some("null"), "[]"),
        (Some("[]"), "[]"),
        (Some("[\"5\"]"), "[\"5\"]"),
        (Some("{}"), "[null,null]"),
        (Some(" {\"page\": \"2\"}"), "[null,\"2\"]"),
        (Some("{\"height\":5,\"height_\":[1,{}],\"page\":null}"), "[5,null]"),
    ] {
        assert_eq!(from_json(json, NAMES).unwrap(), list, "{json:?}");
    }
    for (query, list) in [
        (None, "[null,null]"),
        (Some(""), "[null,null]"),
        (Some("height=5"), "[\"5\",null]"),
        (Some("page=2&height=%225%22"), "[\"5\",\"2\"]"),
        (Some("height=&page=&&x"), "[null,null]"),
        (Some("height=1&height=2&_=7"), "[\"1\",null]"),
        (Some("height=%5c%22+"), "[\"\\\\\\\" \",null]"),
    ] {
        assert_eq!(from_query(query, NAMES).unwrap(), list, "{query:?}");
    }
}

#[test]
fn what_is_no_list_of_parameters_is_refused() {
    for (json, why) in [
        ("7", "parameters go by name, as a map, or by position, as an array"),
        ("\"height\"", "parameters go by name, as a map, or by position, as an array"),
        ("{\"height\":", "EOF while parsing a value at line 1 column 10"),
    ] {
        assert_eq!(from_json(Some(json), NAMES).unwrap_err().to_string(), why, "{json}");
    }
    let long = format!("height={}", "1".repeat(QUERY_BYTES_MAX));
    for (query, why) in [
        ("height=%2", "height: broken escape"),
        ("height=%zz", "height: broken escape"),
        ("height=%ff", "height: broken escape"),
        (&long, "query of 1031 bytes; at most 1024 are read"),
    ] {
        assert_eq!(from_query(Some(query), NAMES).unwrap_err().to_string(), why, "{query}");
    }
}

#[test]
fn an_integer_is_digits_in_a_string_or_not() {
    for (json, value) in [
        ("\"5\"", Some(5)),
        ("5", Some(5)),
        ("\"-5\"", Some(-5)),
        ("-5", Some(-5)),
        ("\"9223372036854775807\"", Some(i64::MAX)),
        ("\"9223372036854775808\"", None),
        ("9223372036854775808", None),
        ("99999999999999999999999", None),
        ("\"\"", None),
        ("\"-\"", None),
        ("\"+5\"", None),
        ("\" 5\"", None),
        ("\"0x5\"", None),
        ("5.0", None),
        ("\"five\"", None),
        ("true", None),
        ("[5]", None),
    ] {
        assert_eq!(serde_json::from_str::<Int>(json).ok(), value.map(Int), "{json}");
    }
}

#[test]
fn a_hash_is_hex_or_base64() {
    let (bytes, text) = ([0xab; 32], "ab".repeat(32));
    for json in [text.clone(), text.to_uppercase(), format!("0x{text}"), BASE64.encode(bytes)] {
        let hash: BlockHash = serde_json::from_value(json.clone().into()).unwrap();
        assert_eq!(hash, BlockHash(Hash32(bytes)), "{json}");
    }
    for json in ["", "0x", &text[2..], &format!("{text}ab"), &BASE64.encode([1; 31]), "0xzz"] {
        assert!(serde_json::from_value::<BlockHash>(json.into()).is_err(), "{json}");
    }
}

#[test]
fn of_a_long_text_the_start_is_said_again() {
    let refused = serde_json::from_value::<Int>("x".repeat(1_000).into()).unwrap_err().to_string();
    assert_eq!(refused, format!("\"{}\"… is no 64-bit integer", "x".repeat(70)));
}
