//! Transactions from strangers.
//!
//! ```text
//! first byte
//!   ├─ even  the rest is a transaction's bytes, as they come from the network
//!   └─ odd   the rest says what to sign; the result must read back, and must not once any of its bytes was changed,
//!            unless that changed the sender, the hash or both
//! ```
//!
//! Whatever is taken reads back from its own bytes as the same; its fields encode to those bytes, so it has no second spelling.

use alloy_consensus::{SignableTransaction as _, TxEip1559, TxEip2930, TxEip7702, TxLegacy};
use alloy_eips::eip2718::Encodable2718 as _;
use alloy_eips::eip2930::{AccessList, AccessListItem};
use alloy_eips::eip7702::Authorization;
use alloy_primitives::{Address as EvmAddress, B256, Signature, TxKind, U256};
use arbitrary::{Arbitrary, Unstructured};
use fvm_ipld_encoding::RawBytes;
use fvm_shared::address::Address;
use fvm_shared::econ::TokenAmount;
use fvm_shared::message::Message;
use tributary_crypto::BlsSecretKey;
use tributary_message::ethereum::Envelope;
use tributary_message::fvm::Kind;
use tributary_message::{EthereumTransaction, FvmTransaction, Transaction};

use crate::memory::measured;
use crate::world::{CHAIN_ID, key};

/// Bytes that decoding may ask for, whatever it is given, and for each byte of it. An empty access list's item, the most that a byte
/// of RLP can stand for, has 2 bytes there and 48 here; vectors grow by doubling.
const ALLOCATED_MAX: usize = 16 << 10;
const ALLOCATED_PER_BYTE_MAX: usize = 128;

/// Order of secp256k1's group. Source: SEC 2.
const ORDER: U256 =
    U256::from_be_bytes(alloy_primitives::hex!("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"));

/// The target.
pub fn run(data: &[u8]) {
    match data.split_first() {
        Some((first, rest)) if first % 2 == 0 => {
            judge(rest);
        }
        Some((_, rest)) => drop(signed(rest)),
        None => {}
    }
}

/// Decodes bytes, and holds what comes of it to the laws.
fn judge(raw: &[u8]) -> Option<Transaction> {
    // Hashes are remembered in a table that is made with a process's first one: no input is to blame for it.
    alloy_primitives::keccak256([0]);
    let (decoded, allocated) = measured(|| Transaction::decode(raw, CHAIN_ID));
    let allowed = ALLOCATED_MAX + ALLOCATED_PER_BYTE_MAX * raw.len();
    assert!(allocated <= allowed, "{} bytes made decoding ask for {allocated}", raw.len());
    assert_eq!(decoded, Transaction::decode(raw, CHAIN_ID), "the same bytes, another answer");
    let transaction = decoded.ok()?;
    assert_eq!(transaction.raw(), raw);
    assert_eq!(transaction.hash(), Transaction::hash_of(raw), "two names for one transaction");
    assert_eq!(encoded(&transaction), raw, "a second spelling");
    let _ =
        (transaction.cost_max(), transaction.block_gas_limit(500), transaction.fee_cap(500), transaction.tip_cap(500));
    Some(transaction)
}

/// The bytes of what was decoded.
fn encoded(transaction: &Transaction) -> Vec<u8> {
    match transaction {
        Transaction::Ethereum(transaction) => transaction.envelope().encoded_2718(),
        Transaction::Fvm(transaction) => {
            let message = fvm_ipld_encoding::to_vec(transaction.message()).unwrap();
            let signature = fvm_ipld_encoding::to_vec(&transaction.signature()).unwrap();
            [&[tributary_message::fvm::FIRST_BYTE][..], &message, &signature].concat()
        }
    }
}

/// What to sign.
#[derive(Arbitrary, Debug)]
enum Unsigned {
    Legacy(Fields),
    AccessList(Fields, Vec<(u8, Vec<u8>)>),
    FeeMarket(Fields, Vec<(u8, Vec<u8>)>),
    SetCode(Fields, Vec<(u8, u64, u8)>),
    Fvm(Fields, u8, u64),
}

#[derive(Arbitrary, Debug)]
struct Fields {
    /// Whose; of a message its last three bits say how it signs, too: 1 as f3, 2 and 3 as f410, else as f1.
    key: u8,
    nonce: u64,
    gas: u64,
    fee_cap: u128,
    tip: u128,
    to: Option<u8>,
    value: u128,
    /// Which byte of the signed bytes is changed, and by what.
    change: (u16, u8),
    input: Vec<u8>,
}

fn signed(data: &[u8]) -> Option<()> {
    let unsigned = Unsigned::arbitrary(&mut Unstructured::new(data)).ok()?;
    let (fields, transaction) = sign(unsigned)?;
    let read = judge(transaction.raw());
    let is_allowed = fields.nonce != u64::MAX && fields.tip <= fields.fee_cap;
    if let Some(read) = &read {
        assert_eq!(read, &transaction, "what was signed reads back as another");
    } else if let Transaction::Fvm(_) = transaction {
        panic!("a message that could be signed was refused");
    } else {
        assert!(!is_allowed || matches!(transaction, Transaction::Ethereum(ref it) if it.envelope().is_eip7702()));
    }

    let mut raw = transaction.raw().to_vec();
    let at = usize::from(fields.change.0) % raw.len();
    raw[at] ^= fields.change.1.max(1);
    if let Some(other) = judge(&raw) {
        assert_ne!(other.hash(), transaction.hash());
        // Whoever bends a byte of somebody's transaction speaks for somebody else.
        assert_ne!(other.sender(), transaction.sender(), "a second transaction from one signature");
    }
    assert_eq!(judge(&mirrored(&transaction)), None, "the mirror image of a signature is taken");
    Some(())
}

/// The transaction with the other signature that its signature gives anybody who sees it: `-s`, and the other parity.
fn mirrored(transaction: &Transaction) -> Vec<u8> {
    let mirror = |s: U256| ORDER - s;
    match transaction {
        Transaction::Ethereum(transaction) => {
            let signature = transaction.envelope().signature();
            let mirrored = Signature::new(signature.r(), mirror(signature.s()), !signature.v());
            let with = |signature| match transaction.envelope().clone() {
                Envelope::Legacy(it) => Envelope::from(it.strip_signature().into_signed(signature)),
                Envelope::Eip2930(it) => Envelope::from(it.strip_signature().into_signed(signature)),
                Envelope::Eip1559(it) => Envelope::from(it.strip_signature().into_signed(signature)),
                Envelope::Eip7702(it) => Envelope::from(it.strip_signature().into_signed(signature)),
                Envelope::Eip4844(it) => Envelope::Eip4844(it),
            };
            with(mirrored).encoded_2718()
        }
        Transaction::Fvm(transaction) => {
            let mut raw = transaction.raw().to_vec();
            if transaction.signature().kind() == Kind::Bls {
                // The point's other half: the third bit says which of two it is.
                let start = raw.len() - Kind::Bls.signature_bytes();
                raw[start] ^= 0x20;
                return raw;
            }
            let start = raw.len() - 65;
            let s = mirror(U256::from_be_slice(&raw[start + 32..start + 64]));
            raw[start + 32..start + 64].copy_from_slice(&s.to_be_bytes::<32>());
            raw[start + 64] ^= 1;
            raw
        }
    }
}

/// `None` for a message whose fields no signature helps.
fn sign(unsigned: Unsigned) -> Option<(Fields, Transaction)> {
    let chain_id = CHAIN_ID;
    let ethereum = |transaction| Transaction::Ethereum(std::sync::Arc::new(transaction));
    let value = |fields: &Fields| U256::from(fields.value);
    Some(match unsigned {
        Unsigned::Legacy(fields) => {
            let unsigned = TxLegacy {
                chain_id: Some(chain_id),
                nonce: fields.nonce,
                gas_price: fields.fee_cap,
                gas_limit: fields.gas,
                to: to(&fields),
                value: value(&fields),
                input: fields.input.clone().into(),
            };
            let signed = EthereumTransaction::sign(unsigned, &key(fields.key));
            (Fields { tip: fields.fee_cap, ..fields }, ethereum(signed))
        }
        Unsigned::AccessList(fields, list) => {
            let unsigned = TxEip2930 {
                chain_id,
                nonce: fields.nonce,
                gas_price: fields.fee_cap,
                gas_limit: fields.gas,
                to: to(&fields),
                value: value(&fields),
                access_list: access_list(&list),
                input: fields.input.clone().into(),
            };
            let signed = EthereumTransaction::sign(unsigned, &key(fields.key));
            (Fields { tip: fields.fee_cap, ..fields }, ethereum(signed))
        }
        Unsigned::FeeMarket(fields, list) => {
            let unsigned = TxEip1559 {
                chain_id,
                nonce: fields.nonce,
                gas_limit: fields.gas,
                max_fee_per_gas: fields.fee_cap,
                max_priority_fee_per_gas: fields.tip,
                to: to(&fields),
                value: value(&fields),
                access_list: access_list(&list),
                input: fields.input.clone().into(),
            };
            let signed = EthereumTransaction::sign(unsigned, &key(fields.key));
            (fields, ethereum(signed))
        }
        Unsigned::SetCode(fields, list) => {
            let authorization = |(address, nonce, parity): &(u8, u64, u8)| {
                let address = EvmAddress::repeat_byte(*address);
                let signature = Signature::new(U256::from(*nonce), U256::from(*parity), parity % 2 == 1);
                Authorization { chain_id: U256::from(chain_id), address, nonce: *nonce }.into_signed(signature)
            };
            let unsigned = TxEip7702 {
                chain_id,
                nonce: fields.nonce,
                gas_limit: fields.gas,
                max_fee_per_gas: fields.fee_cap,
                max_priority_fee_per_gas: fields.tip,
                to: EvmAddress::repeat_byte(fields.to.unwrap_or_default()),
                value: value(&fields),
                access_list: AccessList::default(),
                authorization_list: list.iter().map(authorization).collect(),
                input: fields.input.clone().into(),
            };
            let signed = EthereumTransaction::sign(unsigned, &key(fields.key));
            (fields, ethereum(signed))
        }
        Unsigned::Fvm(fields, version, method_num) => {
            let message = Message {
                version: version.into(),
                from: Address::new_id(0),
                to: fields.to.map_or(Address::new_actor(b"somebody"), |to| Address::new_id(to.into())),
                sequence: fields.nonce,
                value: TokenAmount::from_atto(fields.value),
                method_num,
                params: RawBytes::new(fields.input.clone()),
                gas_limit: fields.gas,
                gas_fee_cap: TokenAmount::from_atto(fields.fee_cap),
                gas_premium: TokenAmount::from_atto(fields.tip),
            };
            let signed = match fields.key % 8 {
                1 => FvmTransaction::sign_bls(message, &bls_key(fields.key), chain_id),
                2 | 3 => FvmTransaction::sign_delegated(message, &key(fields.key), chain_id),
                _ => FvmTransaction::sign(message, &key(fields.key), chain_id),
            };
            (fields, Transaction::Fvm(std::sync::Arc::new(signed.ok()?)))
        }
    })
}

/// A key's secret number is above zero and below 2²⁴⁸, so it is one.
fn bls_key(seed: u8) -> BlsSecretKey {
    let mut bytes = [seed; 32];
    bytes[0] = 0;
    BlsSecretKey::from_bytes(&bytes).unwrap()
}

fn to(fields: &Fields) -> TxKind {
    fields.to.map_or(TxKind::Create, |to| TxKind::Call(EvmAddress::repeat_byte(to)))
}

fn access_list(list: &[(u8, Vec<u8>)]) -> AccessList {
    let item = |(address, slots): &(u8, Vec<u8>)| AccessListItem {
        address: EvmAddress::repeat_byte(*address),
        storage_keys: slots.iter().map(|slot| B256::repeat_byte(*slot)).collect(),
    };
    AccessList(list.iter().map(item).collect())
}
