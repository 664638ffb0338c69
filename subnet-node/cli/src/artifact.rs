//! A contract's bytecode, as compilers write it.
//!
//! | file | from |
//! |---|---|
//! | hex, with or without `0x` | `solc --bin` |
//! | JSON with `bytecode`, or `bytecode.object` | Hardhat, Foundry, this project's own contracts |
//! | JSON with `evm.bytecode.object` | one contract of solc's standard JSON |

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use serde_json::Value;

/// Most bytes of a file: artifacts carry sources and syntax trees.
const FILE_BYTES_MAX: u64 = 32 << 20;
/// What stands for the address of a library that is not linked.
const UNLINKED: &str = "__$";

/// Why a file has no bytecode.
#[derive(Debug, thiserror::Error)]
pub enum ArtifactRejected {
    /// The system says no.
    #[error("{path}: {why}")]
    File {
        /// Which.
        path: PathBuf,
        /// What it says.
        why: io::Error,
    },
    /// Too much.
    #[error("{0} is larger than {FILE_BYTES_MAX} bytes")]
    TooLarge(PathBuf),
    /// Neither form.
    #[error("{path} has no bytecode: {why}; it is hex, or a compiler's JSON of one contract")]
    NoBytecode {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// Libraries are missing.
    #[error("{0} needs libraries whose addresses are not in it: link it with your compiler first")]
    Unlinked(PathBuf),
}

/// Reads a file, bounded.
///
/// # Errors
/// [`ArtifactRejected::File`] and [`ArtifactRejected::TooLarge`].
pub fn read_file(path: &Path) -> Result<Vec<u8>, ArtifactRejected> {
    let rejected = |why| ArtifactRejected::File { path: path.to_owned(), why };
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(rejected)?;
    file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(rejected)?;
    match u64::try_from(bytes.len()) {
        Ok(len) if len <= FILE_BYTES_MAX => Ok(bytes),
        _ => Err(ArtifactRejected::TooLarge(path.to_owned())),
    }
}

/// What makes the contract in the file, without the constructor's arguments.
///
/// # Errors
/// [`ArtifactRejected`].
pub fn bytecode(path: &Path) -> Result<Vec<u8>, ArtifactRejected> {
    let text = String::from_utf8(read_file(path)?);
    let text = text.map_err(|_| no_bytecode(path, "it is no text".to_owned()))?;
    let digits = match serde_json::from_str::<Value>(&text) {
        Ok(Value::Object(artifact)) => find(&Value::from(artifact)).ok_or_else(|| {
            no_bytecode(path, "its JSON has neither bytecode, nor bytecode.object, nor evm.bytecode.object".to_owned())
        })?,
        _ => text,
    };
    let digits = digits.trim();
    if digits.contains(UNLINKED) {
        return Err(ArtifactRejected::Unlinked(path.to_owned()));
    }
    let code = hex::decode(digits.strip_prefix("0x").unwrap_or(digits));
    match code {
        Ok(code) if !code.is_empty() => Ok(code),
        Ok(_) => Err(no_bytecode(path, "it is empty: an interface, or an abstract contract?".to_owned())),
        Err(why) => Err(no_bytecode(path, why.to_string())),
    }
}

fn find(artifact: &Value) -> Option<String> {
    let places = ["/bytecode", "/bytecode/object", "/evm/bytecode/object"];
    places.iter().find_map(|place| artifact.pointer(place)?.as_str().map(str::to_owned))
}

fn no_bytecode(path: &Path, why: String) -> ArtifactRejected {
    ArtifactRejected::NoBytecode { path: path.to_owned(), why }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<u8>, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("contract");
        std::fs::write(&path, text).unwrap();
        bytecode(&path).map_err(|why| why.to_string())
    }

    #[test]
    fn bytecode_is_found_wherever_compilers_put_it() {
        for text in [
            "6001\n",
            "0x6001",
            r#"{"bytecode":"0x6001"}"#,
            r#"{"abi":[],"bytecode":{"object":"0x6001","linkReferences":{}}}"#,
            r#"{"evm":{"bytecode":{"object":"6001"}}}"#,
        ] {
            assert_eq!(read(text), Ok(vec![0x60, 1]), "{text}");
        }
    }

    #[test]
    fn each_file_without_is_refused_for_its_own_reason() {
        for (text, reason) in [
            ("", "is empty"),
            ("0x", "is empty"),
            ("{}", "neither bytecode"),
            (r#"{"bytecode":"0x"}"#, "is empty"),
            ("pragma solidity", "has no bytecode"),
            ("60__$0123$__", "link it"),
        ] {
            let refusal = read(text).unwrap_err();
            assert!(refusal.contains(reason), "{text}: {refusal}");
        }
        assert!(bytecode(Path::new("/no/such/file")).unwrap_err().to_string().contains("/no/such/file"));
    }
}
