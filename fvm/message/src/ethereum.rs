//! Ethereum transactions: every type of a wallet but blobs.
//!
//! Sources: Yellow Paper (legacy), EIP-155 (replay protection), EIP-2 (low s), EIP-2930, EIP-1559, EIP-7702, EIP-2718 (envelopes).

use alloy_consensus::{SignableTransaction, Transaction as _, TxEip4844, Typed2718};
use alloy_eips::eip2718::{Decodable2718 as _, Encodable2718 as _};
use alloy_primitives::{Signature, TxKind, U256};
use tributary_crypto::{SecpSecretKey, secp};
use tributary_primitives::{EthAddress, Hash32};

/// The envelope as alloy has it. The blob variant never occurs: it is refused before it is decoded.
pub type Envelope = alloy_consensus::EthereumTxEnvelope<TxEip4844>;

/// A signed Ethereum transaction with its sender.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EthereumTransaction {
    envelope: Envelope,
    raw: Vec<u8>,
    sender: EthAddress,
}

/// Why bytes are no Ethereum transaction of this chain.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EthereumRejected {
    /// EIP-4844.
    #[error("blob transactions (type 0x03, EIP-4844) have no meaning on a subnet; send the data as calldata")]
    Blobs,
    /// Not the RLP of its type.
    #[error("transaction is not the RLP of its type: {0}")]
    Malformed(String),
    /// Legacy without EIP-155: valid on every chain, so refused here.
    #[error("transaction names no chain id (EIP-155); it could be replayed on another chain")]
    NoChainId,
    /// Signed for another chain.
    #[error("transaction is for chain id {got}; this chain is {want}")]
    WrongChainId {
        /// Chain id in the transaction.
        got: u64,
        /// Chain id of this chain.
        want: u64,
    },
    /// The signature's s is in the upper half (EIP-2), or no key made it.
    #[error("transaction's signature is not valid for any sender")]
    BadSignature,
    /// The fee cap is below the tip.
    #[error("maxPriorityFeePerGas {tip} is above maxFeePerGas {cap}")]
    TipAboveCap {
        /// Most tip per gas.
        tip: u128,
        /// Most fee per gas.
        cap: u128,
    },
    /// EIP-7702 without a single authorization.
    #[error("set-code transaction (type 0x04, EIP-7702) has no authorization")]
    NoAuthorization,
    /// EIP-2681.
    #[error("nonce is 2^64-1, which no account can reach (EIP-2681)")]
    NonceTooHigh,
}

impl EthereumTransaction {
    /// Reads an envelope and recovers who signed it.
    ///
    /// # Errors
    /// [`EthereumRejected`]; the caller bounds the bytes first.
    pub fn decode(raw: &[u8], chain_id: u64) -> Result<Self, EthereumRejected> {
        if raw.first() == Some(&0x03) {
            return Err(EthereumRejected::Blobs);
        }
        let envelope = Envelope::decode_2718_exact(raw).map_err(|why| EthereumRejected::Malformed(why.to_string()))?;
        check(&envelope, chain_id)?;
        let sender = recover(&envelope)?;
        Ok(Self { envelope, raw: raw.to_vec(), sender })
    }

    /// Signs `unsigned` with `key`. The result reads back with [`Self::decode`].
    pub fn sign<T>(unsigned: T, key: &SecpSecretKey) -> Self
    where
        T: SignableTransaction<Signature>,
        Envelope: From<alloy_consensus::Signed<T>>,
        alloy_consensus::Signed<T>: Into<Envelope>,
    {
        let signature = key.sign(unsigned.signature_hash().0);
        let parity = signature[64] == 1;
        let signature = Signature::from_bytes_and_parity(&signature[..64], parity);
        let envelope: Envelope = unsigned.into_signed(signature).into();
        let raw = envelope.encoded_2718();
        Self { envelope, raw, sender: key.eth_address() }
    }

    /// The bytes as signed.
    #[must_use]
    pub fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// Everything that was signed, and the signature.
    #[must_use]
    pub const fn envelope(&self) -> &Envelope {
        &self.envelope
    }

    /// keccak-256 of the bytes.
    #[must_use]
    pub fn hash(&self) -> Hash32 {
        Hash32(self.envelope.tx_hash().0)
    }

    /// Who signed.
    #[must_use]
    pub const fn sender(&self) -> EthAddress {
        self.sender
    }

    /// The called address; `None` creates a contract.
    #[must_use]
    pub fn to(&self) -> Option<EthAddress> {
        match self.envelope.kind() {
            TxKind::Call(to) => Some(EthAddress(to.0.0)),
            TxKind::Create => None,
        }
    }

    /// What it moves, in attoTRB.
    #[must_use]
    pub fn value(&self) -> U256 {
        self.envelope.value()
    }

    /// Whether it has neither data, nor an access list, nor authorizations: nothing that costs more than being there.
    #[must_use]
    pub fn is_bare(&self) -> bool {
        self.envelope.input().is_empty()
            && self.envelope.access_list().is_none_or(|list| list.is_empty())
            && self.envelope.authorization_list().is_none()
    }

    /// The sender's nonce.
    #[must_use]
    pub fn nonce(&self) -> u64 {
        self.envelope.nonce()
    }

    /// Most gas it may use.
    #[must_use]
    pub fn gas_limit(&self) -> u64 {
        self.envelope.gas_limit()
    }

    /// Most fee per gas, tip included, in attoTRB.
    #[must_use]
    pub fn max_fee_per_gas(&self) -> u128 {
        self.envelope.max_fee_per_gas()
    }

    /// Most tip per gas, in attoTRB; all of the gas price for types without a tip.
    #[must_use]
    pub fn max_priority_fee_per_gas(&self) -> u128 {
        self.envelope.max_priority_fee_per_gas().unwrap_or_else(|| self.envelope.max_fee_per_gas())
    }

    /// Value and all gas at the fee cap; `None` past 2^128.
    #[must_use]
    pub fn cost_max(&self) -> Option<u128> {
        let gas = self.max_fee_per_gas().checked_mul(self.gas_limit().into())?;
        u128::try_from(self.envelope.value()).ok()?.checked_add(gas)
    }
}

fn check(envelope: &Envelope, chain_id: u64) -> Result<(), EthereumRejected> {
    match envelope.chain_id() {
        None => return Err(EthereumRejected::NoChainId),
        Some(got) if got != chain_id => return Err(EthereumRejected::WrongChainId { got, want: chain_id }),
        Some(_) => {}
    }
    if envelope.nonce() == u64::MAX {
        return Err(EthereumRejected::NonceTooHigh);
    }
    let (tip, cap) = (envelope.max_priority_fee_per_gas().unwrap_or_default(), envelope.max_fee_per_gas());
    if tip > cap {
        return Err(EthereumRejected::TipAboveCap { tip, cap });
    }
    if envelope.ty() == 0x04 && envelope.authorization_list().is_none_or(|list| list.is_empty()) {
        return Err(EthereumRejected::NoAuthorization);
    }
    Ok(())
}

fn recover(envelope: &Envelope) -> Result<EthAddress, EthereumRejected> {
    let signature = envelope.signature();
    if signature.normalize_s().is_some() || signature.r() == U256::ZERO {
        return Err(EthereumRejected::BadSignature);
    }
    let mut bytes = [0; 65];
    bytes[..32].copy_from_slice(&signature.r().to_be_bytes::<32>());
    bytes[32..64].copy_from_slice(&signature.s().to_be_bytes::<32>());
    bytes[64] = u8::from(signature.v());
    let key = secp::recover(envelope.signature_hash().0, &bytes).ok_or(EthereumRejected::BadSignature)?;
    Ok(secp::eth_address(&key))
}

#[cfg(test)]
mod tests {
    use alloy_consensus::{TxEip1559, TxEip7702, TxLegacy};
    use alloy_primitives::Address;

    use super::*;

    fn key() -> SecpSecretKey {
        SecpSecretKey::from_bytes(&[7; 32]).unwrap()
    }

    fn good() -> TxEip1559 {
        TxEip1559 {
            chain_id: 7,
            nonce: 1,
            gas_limit: 21_000,
            max_fee_per_gas: 10,
            max_priority_fee_per_gas: 2,
            to: TxKind::Call(Address::repeat_byte(1)),
            value: U256::from(5),
            ..TxEip1559::default()
        }
    }

    #[test]
    fn what_a_key_signs_reads_back_with_its_sender() {
        let signed = EthereumTransaction::sign(good(), &key());
        let read = EthereumTransaction::decode(signed.raw(), 7).unwrap();
        assert_eq!(read, signed);
        assert_eq!((read.sender(), read.nonce(), read.cost_max()), (key().eth_address(), 1, Some(210_005)));
        let legacy = TxLegacy { chain_id: Some(7), gas_limit: 21_000, gas_price: 3, ..TxLegacy::default() };
        let legacy = EthereumTransaction::sign(legacy, &key());
        let read = EthereumTransaction::decode(legacy.raw(), 7).unwrap();
        assert_eq!((read.sender(), read.max_priority_fee_per_gas(), read.to()), (key().eth_address(), 3, None));
    }

    #[test]
    fn each_fault_is_refused_for_its_own_reason() {
        let sign = |transaction| EthereumTransaction::sign(transaction, &key()).raw().to_vec();
        let legacy = EthereumTransaction::sign(TxLegacy::default(), &key()).raw().to_vec();
        let set_code = EthereumTransaction::sign(TxEip7702 { chain_id: 7, ..TxEip7702::default() }, &key());
        let mut trailing = sign(good());
        trailing.push(0);
        for (raw, reason) in [
            (sign(TxEip1559 { chain_id: 8, ..good() }), "chain id 8"),
            (sign(TxEip1559 { max_priority_fee_per_gas: 11, ..good() }), "above maxFeePerGas"),
            (sign(TxEip1559 { nonce: u64::MAX, ..good() }), "EIP-2681"),
            (legacy, "EIP-155"),
            (set_code.raw().to_vec(), "no authorization"),
            (trailing, "RLP"),
            (vec![0x02, 0xc0], "RLP"),
            (vec![0x03], "blob"),
        ] {
            let refusal = EthereumTransaction::decode(&raw, 7).unwrap_err().to_string();
            assert!(refusal.contains(reason), "{refusal}");
        }
    }

    #[test]
    fn a_signature_with_a_high_s_is_refused() {
        let signed = EthereumTransaction::sign(good(), &key());
        let signature = signed.envelope().signature();
        let order: U256 = "0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141".parse().unwrap();
        let high = Signature::new(signature.r(), order - signature.s(), !signature.v());
        let envelope: Envelope = good().into_signed(high).into();
        assert_eq!(EthereumTransaction::decode(&envelope.encoded_2718(), 7), Err(EthereumRejected::BadSignature));
    }
}
