//! One exit code for each refusal of the checkpoint actor: what a receipt on the parent shows.
//!
//! | code | refusal | a relayer that gets it |
//! |---|---|---|
//! | 33 | [`WRONG_SUBNET`] | talks to another child's actor |
//! | 34 | [`WRONG_CONFIGURATION`] | brings a certificate of another validator set |
//! | 35 | [`ALREADY_ACCEPTED`] | was late: somebody brought this very checkpoint; harmless |
//! | 36 | [`NOT_ABOVE`] | brings a height that the parent is past |
//! | 37 | [`OFF_PERIOD`] | brings a height at which no period ends |
//! | 38 | [`NOT_NEXT`] | brings a checkpoint of another history |
//! | 39 | [`SKIPPED_MESSAGES`] | must bring the checkpoints between first |
//! | 40 | [`OUTBOX_SHRANK`] | brings a checkpoint that forgets messages |
//! | 41 | [`NEGATIVE_SUPPLY`] | brings a checkpoint that no honest validator signs |
//! | 42 | [`BITMAP_SIZE`] | brings a bitmap for a set of another size |
//! | 43 | [`NO_QUORUM`] | brings too few signatures |
//! | 44 | [`BAD_SIGNATURE`] | brings a signature that does not verify |
//! | 48 | [`PERIOD_OUT_OF_BOUNDS`] | registers a period that is not allowed |
//! | 49 | [`TOO_DEEP`] | registers below the deepest level |
//! | 50 | [`VALIDATOR_COUNT`] | registers nobody or too many |
//! | 51 | [`ZERO_POWER`] | registers a validator without power |
//! | 52 | [`DUPLICATE_KEY`] | registers one key twice |
//! | 53 | [`POWER_OVERFLOW`] | registers more power than consensus can count |
//! | 54 | [`BAD_POSSESSION`] | registers a key without a proof of its secret |
//!
//! Codes below 33 are the FVM's own. Parameters that do not decode exit with `USR_SERIALIZATION` (21), an unknown method with
//! `USR_UNHANDLED_MESSAGE` (22), value sent along with `USR_NOT_PAYABLE` (26).

use fvm_shared::error::ExitCode;

/// See [`crate::CertificateRejected::WrongSubnet`].
pub const WRONG_SUBNET: ExitCode = ExitCode::new(33);
/// See [`crate::CertificateRejected::WrongConfiguration`].
pub const WRONG_CONFIGURATION: ExitCode = ExitCode::new(34);
/// See [`crate::CertificateRejected::AlreadyAccepted`].
pub const ALREADY_ACCEPTED: ExitCode = ExitCode::new(35);
/// See [`crate::CertificateRejected::NotAbove`].
pub const NOT_ABOVE: ExitCode = ExitCode::new(36);
/// See [`crate::CertificateRejected::OffPeriod`].
pub const OFF_PERIOD: ExitCode = ExitCode::new(37);
/// See [`crate::CertificateRejected::NotNext`].
pub const NOT_NEXT: ExitCode = ExitCode::new(38);
/// See [`crate::CertificateRejected::SkippedMessages`].
pub const SKIPPED_MESSAGES: ExitCode = ExitCode::new(39);
/// See [`crate::CertificateRejected::OutboxShrank`].
pub const OUTBOX_SHRANK: ExitCode = ExitCode::new(40);
/// See [`crate::CertificateRejected::NegativeSupply`].
pub const NEGATIVE_SUPPLY: ExitCode = ExitCode::new(41);
/// See [`crate::CertificateRejected::BitmapSize`].
pub const BITMAP_SIZE: ExitCode = ExitCode::new(42);
/// See [`crate::CertificateRejected::NoQuorum`].
pub const NO_QUORUM: ExitCode = ExitCode::new(43);
/// See [`crate::CertificateRejected::BadSignature`].
pub const BAD_SIGNATURE: ExitCode = ExitCode::new(44);

/// See [`crate::RegistrationRejected::PeriodOutOfBounds`].
pub const PERIOD_OUT_OF_BOUNDS: ExitCode = ExitCode::new(48);
/// See [`crate::RegistrationRejected::TooDeep`].
pub const TOO_DEEP: ExitCode = ExitCode::new(49);
/// See [`crate::RegistrationRejected::ValidatorCount`].
pub const VALIDATOR_COUNT: ExitCode = ExitCode::new(50);
/// See [`crate::RegistrationRejected::ZeroPower`].
pub const ZERO_POWER: ExitCode = ExitCode::new(51);
/// See [`crate::RegistrationRejected::DuplicateKey`].
pub const DUPLICATE_KEY: ExitCode = ExitCode::new(52);
/// See [`crate::RegistrationRejected::PowerOverflow`].
pub const POWER_OVERFLOW: ExitCode = ExitCode::new(53);
/// See [`crate::RegistrationRejected::BadPossession`].
pub const BAD_POSSESSION: ExitCode = ExitCode::new(54);

#[cfg(test)]
mod tests {
    #[test]
    fn each_code_is_used_once_and_stands_in_the_table() {
        let source = include_str!("exit_code.rs");
        let codes: Vec<u32> = source
            .lines()
            .filter_map(|line| line.strip_prefix("pub const ")?.split_once("ExitCode::new(")?.1.strip_suffix(");"))
            .map(|code| code.parse().unwrap())
            .collect();
        assert_eq!(codes.len(), 19);
        assert!(codes.iter().all(|code| *code >= 33), "below 33 are the FVM's");
        assert!(codes.is_sorted_by(|low, high| low < high), "each once: {codes:?}");
        for code in codes {
            assert!(source.contains(&format!("//! | {code} | [`")), "{code} is missing in the table");
        }
    }
}
