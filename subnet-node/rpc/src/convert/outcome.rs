//! What a call's exit code means in go-ethereum's words.
//!
//! | exit code | answer |
//! |---|---|
//! | 0 | the returned bytes |
//! | 33 | code 3, `execution reverted: reason`, the returned bytes as `data` |
//! | others | code -32000 and go-ethereum's words for it |
//!
//! Sources: FIP-0054 for the codes, go-ethereum `core/vm/errors.go` and `internal/ethapi/errors.go` for the words.

use alloy_primitives::U256;
use fvm_shared::error::ExitCode;
use tributary_fvm::call::CallOutcome;

use crate::error::RpcRejected;

/// The exit code of a contract that reverted.
pub const EVM_REVERTED: ExitCode = ExitCode::new(33);
/// Selector of Solidity's `Error(string)`.
const ERROR_SELECTOR: [u8; 4] = [0x08, 0xc3, 0x79, 0xa0];
/// Selector of Solidity's `Panic(uint256)`.
const PANIC_SELECTOR: [u8; 4] = [0x4e, 0x48, 0x7b, 0x71];
/// Bytes of an ABI word.
const WORD: usize = 32;

/// The bytes that a call returned, or why it did not end well.
pub fn returned(outcome: CallOutcome) -> Result<Vec<u8>, RpcRejected> {
    if outcome.exit_code.is_success() { Ok(outcome.return_data) } else { Err(stopped(outcome)) }
}

/// Why a call did not end well.
pub fn stopped(outcome: CallOutcome) -> RpcRejected {
    if outcome.exit_code == EVM_REVERTED {
        let message = match revert_reason(&outcome.return_data) {
            Some(reason) => format!("execution reverted: {reason}"),
            None => "execution reverted".to_owned(),
        };
        return RpcRejected::Reverted { message, data: outcome.return_data };
    }
    RpcRejected::CallStopped(words(outcome.exit_code))
}

/// go-ethereum's words for an exit code; the code itself where it has none.
pub fn words(exit_code: ExitCode) -> String {
    let known = match exit_code.value() {
        5 => "invalid receiver: there is no such actor",
        6 => "insufficient funds for transfer",
        7 => "out of gas",
        33 => "execution reverted",
        34 | 35 => "invalid opcode",
        36 => "stack underflow",
        37 => "stack limit reached 1024 (1023)",
        38 => "return data out of bounds",
        39 => "invalid jump destination",
        40 => "self-destruct failed",
        _ => return format!("execution stopped with exit code {exit_code}"),
    };
    format!("{known} (exit code {})", exit_code.value())
}

/// The reason in a contract's return bytes: Solidity's `Error(string)` or `Panic(uint256)`.
pub fn revert_reason(data: &[u8]) -> Option<String> {
    let (selector, arguments) = data.split_first_chunk::<4>()?;
    match *selector {
        ERROR_SELECTOR => abi_string(arguments),
        PANIC_SELECTOR => Some(panic_reason(word(arguments, 0)?)),
        _ => None,
    }
}

/// The only argument of a call, a string: its offset, there its length and then its bytes.
fn abi_string(arguments: &[u8]) -> Option<String> {
    let start = usize::try_from(word(arguments, 0)?).ok()?;
    let length = usize::try_from(word(arguments, start)?).ok()?;
    let from = start.checked_add(WORD)?;
    let bytes = arguments.get(from..from.checked_add(length)?)?;
    Some(String::from_utf8_lossy(bytes).into_owned())
}

fn word(bytes: &[u8], at: usize) -> Option<U256> {
    U256::try_from_be_slice(bytes.get(at..at.checked_add(WORD)?)?)
}

/// Source: go-ethereum, `accounts/abi/abi.go`, `panicReasons`.
fn panic_reason(code: U256) -> String {
    let known = match u64::try_from(code) {
        Ok(0x00) => "generic panic",
        Ok(0x01) => "assert(false)",
        Ok(0x11) => "arithmetic underflow or overflow",
        Ok(0x12) => "division or modulo by zero",
        Ok(0x21) => "enum overflow",
        Ok(0x22) => "invalid encoded storage byte array accessed",
        Ok(0x31) => "out-of-bounds array access; popping on an empty array",
        Ok(0x32) => "out-of-bounds access of an array or bytesN",
        Ok(0x41) => "out of memory",
        Ok(0x51) => "uninitialized function",
        _ => return format!("unknown panic code: {code:#x}"),
    };
    known.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(exit_code: u32, return_data: &[u8]) -> CallOutcome {
        CallOutcome {
            exit_code: ExitCode::new(exit_code),
            gas_used: 1,
            fvm_gas_used: 0,
            return_data: return_data.to_vec(),
            events: Vec::new(),
        }
    }

    /// `Error("no")` as Solidity encodes it, with the string's offset and length as given.
    fn error(offset: u8, length: u8) -> Vec<u8> {
        let word = |last: u8| [&[0; 31][..], &[last]].concat();
        [&ERROR_SELECTOR[..], &word(offset), &word(length), &[b"no".as_slice(), &[0; 30]].concat()].concat()
    }

    fn panic(code: u8) -> Vec<u8> {
        [&PANIC_SELECTOR[..], &[0; 31], &[code]].concat()
    }

    #[test]
    fn a_revert_is_told_in_the_contracts_words() {
        let garbage_length = { [&error(32, 2)[..36], &[0xff; 32], b"no"].concat() };
        for (data, message) in [
            (error(32, 2), "execution reverted: no"),
            (panic(0x11), "execution reverted: arithmetic underflow or overflow"),
            (panic(0x99), "execution reverted: unknown panic code: 0x99"),
            (vec![], "execution reverted"),
            (vec![1, 2, 3], "execution reverted"),
            (vec![0xde, 0xad, 0xbe, 0xef, 1], "execution reverted"),
            (error(200, 2), "execution reverted"),
            (error(32, 200), "execution reverted"),
            (garbage_length, "execution reverted"),
        ] {
            let refusal = returned(ended(33, &data)).unwrap_err();
            assert_eq!((refusal.code(), refusal.to_string().as_str()), (3, message), "{data:?}");
            assert_eq!(refusal, RpcRejected::Reverted { message: message.to_owned(), data });
        }
    }

    #[test]
    fn another_end_is_told_in_go_ethereums_words() {
        assert_eq!(returned(ended(0, &[7])), Ok(vec![7]));
        for (code, start) in
            [(7, "out of gas"), (35, "invalid opcode"), (6, "insufficient funds"), (91, "execution stopped")]
        {
            let refusal = returned(ended(code, &[])).unwrap_err();
            assert_eq!(refusal.code(), -32000);
            assert!(refusal.to_string().starts_with(start), "{refusal}");
        }
    }
}
