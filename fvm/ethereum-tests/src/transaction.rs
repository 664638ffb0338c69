//! A test's transaction, before and after it is signed.
//!
//! | what the test gives | type |
//! |---|---|
//! | `maxFeePerBlobGas` | 0x03, never signed: it is refused before it is decoded |
//! | `authorizationList` | 0x04 |
//! | `maxFeePerGas` | 0x02 |
//! | an access list for the chosen data | 0x01 |
//! | none of them | legacy, with the chain id (EIP-155): this chain takes no other |

use alloy_consensus::{TxEip1559, TxEip2930, TxEip7702, TxLegacy};
use alloy_eips::eip2930::AccessList;
use alloy_eips::eip7702::SignedAuthorization;
use alloy_primitives::{Address, B256, Bytes, TxKind, U256};
use tributary_crypto::SecpSecretKey;
use tributary_message::EthereumTransaction;

/// What is handed to the chain.
#[derive(Clone, Debug)]
pub enum Sent {
    /// A transaction that a key signs.
    Signed(Box<Unsigned>),
    /// A blob transaction, as published; empty when it is not.
    Blob(Bytes),
    /// One with a number that its encoding cannot hold, as published; empty when it is not.
    Unwritable(Bytes),
}

/// A transaction to sign.
#[derive(Clone, Debug)]
pub struct Unsigned {
    /// Who signs.
    pub key: B256,
    /// The sender's nonce.
    pub nonce: u64,
    /// Most gas it may use.
    pub gas_limit: u64,
    /// What it pays for gas.
    pub fees: Fees,
    /// The receiver; `None` makes a contract.
    pub to: Option<Address>,
    /// Value to move, in wei.
    pub value: U256,
    /// Call data, or init code.
    pub data: Bytes,
    /// EIP-2930.
    pub access_list: Option<AccessList>,
    /// EIP-7702.
    pub authorizations: Option<Vec<SignedAuthorization>>,
}

/// What a transaction pays for gas, in wei.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Fees {
    /// One price.
    Price(u128),
    /// EIP-1559.
    Market {
        /// Most fee, tip included.
        most: u128,
        /// Most tip.
        tip: u128,
    },
}

impl Fees {
    /// Most fee per gas, tip included.
    #[must_use]
    pub const fn most(self) -> u128 {
        match self {
            Self::Price(most) | Self::Market { most, .. } => most,
        }
    }

    /// Most tip per gas, for types that have one.
    #[must_use]
    pub const fn tip(self) -> Option<u128> {
        match self {
            Self::Price(_) => None,
            Self::Market { tip, .. } => Some(tip),
        }
    }
}

impl Unsigned {
    /// The type's byte; zero for legacy.
    #[must_use]
    pub const fn kind(&self) -> u8 {
        match (&self.authorizations, self.fees, &self.access_list) {
            (Some(_), ..) => 4,
            (None, Fees::Market { .. }, _) => 2,
            (None, Fees::Price(_), Some(_)) => 1,
            (None, Fees::Price(_), None) => 0,
        }
    }

    /// The signed bytes; `None` when the key is none, or for a set-code transaction that would make a contract, which has no
    /// encoding.
    #[must_use]
    pub fn sign(&self, chain_id: u64) -> Option<Vec<u8>> {
        let key = SecpSecretKey::from_bytes(&self.key.0).ok()?;
        let (nonce, gas_limit, value, input) = (self.nonce, self.gas_limit, self.value, self.data.clone());
        let to = self.to.map_or(TxKind::Create, TxKind::Call);
        let (most, tip) = (self.fees.most(), self.fees.tip().unwrap_or_default());
        let access_list = self.access_list.clone().unwrap_or_default();
        let signed = match self.kind() {
            0 => {
                let chain_id = Some(chain_id);
                EthereumTransaction::sign(
                    TxLegacy { chain_id, nonce, gas_price: most, gas_limit, to, value, input },
                    &key,
                )
            }
            1 => {
                let unsigned = TxEip2930 { chain_id, nonce, gas_price: most, gas_limit, to, value, access_list, input };
                EthereumTransaction::sign(unsigned, &key)
            }
            2 => {
                let (max_fee_per_gas, max_priority_fee_per_gas) = (most, tip);
                EthereumTransaction::sign(
                    TxEip1559 {
                        chain_id,
                        nonce,
                        gas_limit,
                        max_fee_per_gas,
                        max_priority_fee_per_gas,
                        to,
                        value,
                        access_list,
                        input,
                    },
                    &key,
                )
            }
            _ => {
                let (max_fee_per_gas, max_priority_fee_per_gas) = (most, tip);
                let authorization_list = self.authorizations.clone()?;
                EthereumTransaction::sign(
                    TxEip7702 {
                        chain_id,
                        nonce,
                        gas_limit,
                        max_fee_per_gas,
                        max_priority_fee_per_gas,
                        to: self.to?,
                        value,
                        access_list,
                        authorization_list,
                        input,
                    },
                    &key,
                )
            }
        };
        Some(signed.raw().to_vec())
    }
}
