use std::collections::VecDeque;
use std::sync::Mutex;

use fvm_ipld_encoding::RawBytes;
use fvm_shared::ActorID;
use fvm_shared::address::Address;
use fvm_shared::econ::TokenAmount;
use tributary_checkpoint::{CheckpointCertificate, Registration};

use super::*;
use crate::chain::{Account, ChainStatus, Forecast};

type Answer<T> = Result<T, ChainUnavailable>;

/// A parent that answers each send by the next of these.
struct Parent {
    sends: Mutex<VecDeque<Answer<Delivery>>>,
    receipt: fn() -> Answer<Option<Receipt>>,
}

impl ParentChain for Parent {
    async fn status(&self) -> Answer<ChainStatus> {
        Err(lost())
    }

    async fn account(&self, _: &Address) -> Answer<Account> {
        Err(lost())
    }

    async fn registration(&self, _: ActorID) -> Answer<Option<Registration>> {
        Err(lost())
    }

    async fn latest(&self, _: ActorID) -> Answer<Option<CheckpointCertificate>> {
        Err(lost())
    }

    async fn forecast(&self, _: &Message) -> Answer<Forecast> {
        Ok(Forecast { exit_code: ExitCode::OK, gas_used: 100, returned: Vec::new() })
    }

    async fn send(&self, _: &[u8]) -> Answer<Delivery> {
        self.sends.lock().unwrap().pop_front().expect("no more sends than these")
    }

    async fn receipt(&self, _: Hash32) -> Answer<Option<Receipt>> {
        (self.receipt)()
    }
}

fn lost() -> ChainUnavailable {
    ChainUnavailable::NoAnswer { url: "http://node".to_owned(), method: "subnet_sendMessage", why: "reset".to_owned() }
}

fn refused() -> Answer<Delivery> {
    Ok(Delivery::Refused("nonce too low".to_owned()))
}

/// What comes of an errand there; all sends must be made.
async fn outcome(
    sends: Vec<Answer<Delivery>>,
    receipt: fn() -> Answer<Option<Receipt>>,
) -> Result<(Hash32, Receipt), NotDone> {
    let key = SecpSecretKey::from_bytes(&[7; 32]).unwrap();
    let message = Message {
        version: 0,
        from: key.f1_address(),
        to: Address::new_id(1),
        sequence: 0,
        value: TokenAmount::default(),
        method_num: 2,
        params: RawBytes::default(),
        gas_limit: 1_000,
        gas_fee_cap: TokenAmount::default(),
        gas_premium: TokenAmount::default(),
    };
    let parent = Parent { sends: Mutex::new(sends.into()), receipt };
    let outcome = run(&parent, 9, message, &key).await;
    assert_eq!(parent.sends.lock().unwrap().len(), 0);
    outcome
}

fn ran() -> Receipt {
    Receipt { exit_code: ExitCode::OK, gas_used: 100, returned: Vec::new() }
}

#[tokio::test]
async fn an_answer_that_is_lost_is_asked_for_by_the_same_bytes() {
    for sends in [vec![Err(lost()), Ok(Delivery::Taken)], vec![Err(lost()), Err(lost()), refused()]] {
        let (_, receipt) = outcome(sends, || Ok(Some(ran()))).await.unwrap();
        assert_eq!(receipt, ran());
    }
}

#[tokio::test]
async fn what_may_have_been_taken_is_told_with_its_hash() {
    let silent = vec![Err(lost()), Err(lost()), Err(lost())];
    for sends in [silent, vec![Ok(Delivery::Taken)]] {
        let why = outcome(sends, || Err(lost())).await.unwrap_err();
        let NotDone::InDoubt { hash, .. } = why else { panic!("{why}") };
        assert!(why.to_string().contains(&format!("`tributary status {hash}`")), "{why}");
    }
    let why = outcome(vec![refused()], || Ok(None)).await.unwrap_err();
    assert!(matches!(why, NotDone::NotTaken(_)), "{why}");
}
