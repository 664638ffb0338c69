//! The JSON of the nodes' answers, as far as a relayer reads them. Members it has no use for are passed over.
//!
//! In the `subnet_` namespace numbers are JSON numbers, amounts decimal strings of attoTRB, bytes `0x` and hex. A certificate
//! is read from its `cbor` alone: that is what will be handed to the parent, so that is what is judged.

use std::fmt;

use fvm_shared::ActorID;
use fvm_shared::address::Address;
use fvm_shared::econ::TokenAmount;
use fvm_shared::error::ExitCode;
use fvm_shared::message::Message;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use tributary_checkpoint::CheckpointCertificate;
use tributary_primitives::actors::SYSTEM_ID;
use tributary_primitives::{Height, SubnetId};

use super::{Account, ChainStatus, Forecast, Receipt};

/// Bytes: `0x` and two hex digits each.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct HexBytes(pub Vec<u8>);

impl fmt::Debug for HexBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

impl Serialize for HexBytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("0x{}", hex::encode(&self.0)))
    }
}

impl<'de> Deserialize<'de> for HexBytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let digits = text.strip_prefix("0x").ok_or_else(|| D::Error::custom("hex must start with 0x"))?;
        hex::decode(digits).map(Self).map_err(D::Error::custom)
    }
}

/// A number of Ethereum's namespace: `0x` and hex digits.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Quantity(pub u64);

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let digits = text.strip_prefix("0x").ok_or_else(|| D::Error::custom("a quantity must start with 0x"))?;
        u64::from_str_radix(digits, 16).map(Self).map_err(D::Error::custom)
    }
}

/// Answer of `subnet_status`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct StatusJson {
    subnet: SubnetId,
    chain_id: u64,
    height: Height,
    fvm_base_fee: u64,
}

impl From<StatusJson> for ChainStatus {
    fn from(json: StatusJson) -> Self {
        let StatusJson { subnet, chain_id, height, fvm_base_fee } = json;
        Self { subnet, chain_id, height, base_fee: fvm_base_fee.into() }
    }
}

/// Answer of `subnet_getActor`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ActorJson {
    nonce: u64,
    balance: Atto,
}

impl From<ActorJson> for Account {
    fn from(json: ActorJson) -> Self {
        Self { nonce: json.nonce, balance: TokenAmount::from_atto(json.balance.0) }
    }
}

/// An amount: a decimal string of attoTRB.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
struct Atto(u128);

impl<'de> Deserialize<'de> for Atto {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map(Self).map_err(D::Error::custom)
    }
}

/// Answer of `subnet_latestCertificate`, entry of `subnet_checkpoints`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct CertificateJson {
    cbor: HexBytes,
}

impl CertificateJson {
    /// The certificate.
    ///
    /// # Errors
    /// What is wrong with its bytes.
    pub fn decode(&self) -> Result<CheckpointCertificate, String> {
        fvm_ipld_encoding::from_slice(&self.cbor.0).map_err(|why| format!("cbor is no certificate: {why}"))
    }
}

/// Parameter of `subnet_call`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CallJson {
    from: String,
    to: String,
    method: u64,
    params: HexBytes,
    gas_limit: u64,
}

impl CallJson {
    /// A question to `actor`: `method` without parameters, within `gas_limit` FVM gas.
    #[must_use]
    pub fn read(actor: ActorID, method: u64, gas_limit: u64) -> Self {
        let (from, to) = (Address::new_id(SYSTEM_ID).to_string(), Address::new_id(actor).to_string());
        Self { from, to, method, params: HexBytes::default(), gas_limit }
    }
}

impl From<&Message> for CallJson {
    fn from(message: &Message) -> Self {
        Self {
            from: message.from.to_string(),
            to: message.to.to_string(),
            method: message.method_num,
            params: HexBytes(message.params.to_vec()),
            gas_limit: message.gas_limit,
        }
    }
}

/// Answer of `subnet_call`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct OutcomeJson {
    msg_rct: ReceiptJson,
}

impl OutcomeJson {
    /// How it would end.
    #[must_use]
    pub const fn exit_code(&self) -> ExitCode {
        ExitCode::new(self.msg_rct.exit_code)
    }

    /// What it would return.
    #[must_use]
    pub fn returned(&self) -> &[u8] {
        &self.msg_rct.returned.0
    }
}

impl From<OutcomeJson> for Forecast {
    fn from(json: OutcomeJson) -> Self {
        let exit_code = json.exit_code();
        Self { exit_code, gas_used: json.msg_rct.gas_used, returned: json.msg_rct.returned.0 }
    }
}

/// Answer of `subnet_getMessageReceipt`, and how a call would end.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ReceiptJson {
    exit_code: u32,
    #[serde(rename = "Return")]
    returned: HexBytes,
    gas_used: u64,
}

impl From<ReceiptJson> for Receipt {
    fn from(json: ReceiptJson) -> Self {
        Self { exit_code: ExitCode::new(json.exit_code), gas_used: json.gas_used, returned: json.returned.0 }
    }
}

/// Answer of `eth_getBlockByNumber`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct BlockJson {
    /// Seconds since 1970.
    pub timestamp: Quantity,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::Family;

    #[test]
    fn a_status_is_read_and_what_is_not_used_is_passed_over() {
        let json = r#"{"subnet":"/r7/f0100","chain_id":9,"height":5,"block_hash":"0x00","time_ms":1,"base_fee":1000,
            "fvm_base_fee":2,"certified_height":null,"finalized_height":null,"peers":3,"syncing_to":null,"client_version":"x"}"#;
        let status: ChainStatus = serde_json::from_str::<StatusJson>(json).unwrap().into();
        let subnet = SubnetId::root(7).child(100).unwrap();
        assert_eq!(status, ChainStatus { subnet, chain_id: 9, height: Height(5), base_fee: 2 });
    }

    #[test]
    fn a_certificate_is_read_from_its_bytes_alone() {
        let certificate = Family::of(100).certificate(1);
        let cbor = hex::encode(certificate.to_cbor());
        let json = format!(r#"{{"checkpoint":{{"height":999}},"signers":[],"cbor":"0x{cbor}"}}"#);
        assert_eq!(serde_json::from_str::<CertificateJson>(&json).unwrap().decode(), Ok(certificate));
        let broken: CertificateJson = serde_json::from_str(r#"{"cbor":"0x80"}"#).unwrap();
        assert!(broken.decode().unwrap_err().contains("no certificate"));
    }

    #[test]
    fn an_actor_a_receipt_and_a_block_are_read() {
        let actor = r#"{"Code":{"/":"bafk"},"Nonce":4,"Balance":"1000000000000000000","Id":"f0101"}"#;
        let account: Account = serde_json::from_str::<ActorJson>(actor).unwrap().into();
        assert_eq!(account, Account { nonce: 4, balance: TokenAmount::from_whole(1) });
        let receipt = r#"{"Height":9,"ExitCode":35,"Return":"0x05","GasUsed":7}"#;
        let outcome: OutcomeJson =
            serde_json::from_str(&format!(r#"{{"MsgRct":{receipt},"Error":"","Events":[]}}"#)).unwrap();
        let receipt: ReceiptJson = serde_json::from_str(receipt).unwrap();
        assert_eq!(
            (outcome.exit_code(), outcome.returned(), &outcome.msg_rct),
            (ExitCode::new(35), &[5][..], &receipt)
        );
        assert_eq!(Receipt::from(receipt), Receipt { exit_code: ExitCode::new(35), gas_used: 7, returned: vec![5] });
        let block: BlockJson = serde_json::from_str(r#"{"timestamp":"0x6553f100","hash":"0x"}"#).unwrap();
        assert_eq!(block.timestamp, Quantity(1_700_000_000));
    }

    #[test]
    fn a_question_to_an_actor_is_written_as_the_node_reads_it() {
        let json = serde_json::to_value(CallJson::read(100, 5, 9)).unwrap();
        let expected = serde_json::json!({"from":"f00","to":"f0100","method":5,"params":"0x","gas_limit":9});
        assert_eq!(json, expected);
    }
}
