//! JSON-RPC over one connection: questions one by one, many at once, and batches of signed transactions.

use alloy_primitives::{U64, U256};
use hyper::body::Bytes;
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::{Value, json};
use tributary_primitives::{EthAddress, Hash32};

use crate::answer::{Refusal, Verdict, judge};
use crate::http::{Connection, Endpoint, HttpUnavailable};
use crate::words::{Confirm, Signed};

/// Questions of one batch that set-up and checks ask.
pub const QUESTIONS_MAX: usize = 100;

/// A node gave no answer of use.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClientUnavailable {
    /// No HTTP answer.
    #[error(transparent)]
    Http(#[from] HttpUnavailable),
    /// It will not.
    #[error("{endpoint}: {method}: {message} (code {code})")]
    Refused {
        /// The node.
        endpoint: String,
        /// What was asked.
        method: String,
        /// Its sentence.
        message: String,
        /// Its code.
        code: i64,
    },
    /// The answer is not what the method gives.
    #[error("{endpoint}: {method}: cannot read the answer: {why}")]
    Unreadable {
        /// The node.
        endpoint: String,
        /// What was asked.
        method: String,
        /// What is wrong with it.
        why: String,
    },
}

/// A node's block, as far as it matters here.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BlockAnswer {
    /// Hashes of its transactions.
    pub transactions: Vec<Hash32>,
    /// Gas that it used.
    pub gas_used: U64,
    /// Gas that it had.
    pub gas_limit: U64,
    /// Its base fee; none before EIP-1559.
    pub base_fee_per_gas: Option<U256>,
}

/// One answer of many.
#[derive(Deserialize)]
#[serde(bound(deserialize = "T: Deserialize<'de>"))]
struct Answer<T> {
    #[serde(default)]
    id: Option<u64>,
    // Absent where there is an error; `null` is an answer.
    #[serde(default = "nothing")]
    result: Option<T>,
    #[serde(default)]
    error: Option<Refusal>,
}

const fn nothing<T>() -> Option<T> {
    None
}

/// What comes back for a batch: an answer each, or one refusal for all.
#[derive(Deserialize)]
#[serde(untagged, bound(deserialize = "T: Deserialize<'de>"))]
enum Answers<T> {
    Each(Vec<Answer<T>>),
    One(Answer<T>),
}

/// A node that is asked over one connection.
#[derive(Debug)]
pub struct Client(Connection);

type Asked<T> = Result<T, ClientUnavailable>;

impl Client {
    /// Of the node there. Connects at the first question.
    #[must_use]
    pub const fn of(endpoint: Endpoint) -> Self {
        Self(Connection::to(endpoint))
    }

    /// The chain's id.
    ///
    /// # Errors
    /// [`ClientUnavailable`], here and below.
    pub async fn chain_id(&mut self) -> Asked<u64> {
        Ok(self.ask::<U64>("eth_chainId", json!([])).await?.to())
    }

    /// What the node calls itself; `unknown` where it does not tell.
    pub async fn version(&mut self) -> String {
        self.ask("web3_clientVersion", json!([])).await.unwrap_or_else(|_| "unknown".to_owned())
    }

    /// The latest block's number.
    pub async fn head(&mut self) -> Asked<u64> {
        Ok(self.ask::<U64>("eth_blockNumber", json!([])).await?.to())
    }

    /// The block with this number, once there is one.
    pub async fn block(&mut self, number: u64) -> Asked<Option<BlockAnswer>> {
        self.ask("eth_getBlockByNumber", json!([format!("{number:#x}"), false])).await
    }

    /// The latest block's base fee, and the tip that the node suggests.
    pub async fn fees(&mut self) -> Asked<(u128, u128)> {
        let head = self.head().await?;
        let base_fee = self.block(head).await?.and_then(|block| block.base_fee_per_gas).unwrap_or_default();
        let tip: U256 = self.ask("eth_maxPriorityFeePerGas", json!([])).await.unwrap_or_default();
        Ok((base_fee.saturating_to(), tip.saturating_to()))
    }

    /// Balances of these accounts.
    pub async fn balances(&mut self, accounts: &[EthAddress]) -> Asked<Vec<u128>> {
        let params = accounts.iter().map(|account| json!([account.to_string(), "latest"])).collect();
        let balances: Vec<U256> = self.ask_all("eth_getBalance", params).await?;
        Ok(balances.into_iter().map(|balance| balance.saturating_to()).collect())
    }

    /// The next nonces of these accounts.
    pub async fn nonces(&mut self, accounts: &[EthAddress]) -> Asked<Vec<u64>> {
        let params = accounts.iter().map(|account| json!([account.to_string(), "latest"])).collect();
        let nonces: Vec<U64> = self.ask_all("eth_getTransactionCount", params).await?;
        Ok(nonces.into_iter().map(|nonce| nonce.to()).collect())
    }

    /// Asks one question.
    pub async fn ask<T: DeserializeOwned>(&mut self, method: &str, params: Value) -> Asked<T> {
        let body = json!({"jsonrpc": "2.0", "id": 0, "method": method, "params": params});
        let answer = self.0.ask(body.to_string().into_bytes()).await?;
        self.result(method, self.read(method, &answer)?)
    }

    /// Asks the same with each of `params`; the answers are in their order. [`QUESTIONS_MAX`] travel together.
    pub async fn ask_all<T: DeserializeOwned>(&mut self, method: &str, params: Vec<Value>) -> Asked<Vec<T>> {
        let mut results = Vec::with_capacity(params.len());
        for part in params.chunks(QUESTIONS_MAX) {
            let question = |(id, params)| json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
            let body = Value::Array(part.iter().enumerate().map(question).collect());
            let body = self.0.ask(body.to_string().into_bytes()).await?;
            for answer in self.in_order::<T>(method, &body, part.len())? {
                results.push(self.result(method, answer)?);
            }
        }
        Ok(results)
    }

    /// Hands in these transactions, one request for all, and judges what the node says to each. `sent_before` tells which
    /// were handed in at an earlier time.
    ///
    /// # Errors
    /// [`ClientUnavailable`]: it is not known which of them arrived.
    pub async fn submit(&mut self, confirm: Confirm, batch: &[(&Signed, bool)]) -> Asked<Vec<Verdict>> {
        let body = self.0.ask(submission(confirm, batch)).await?;
        let method = batch.first().map_or("", |(first, _)| first.kind.submit_method(confirm));
        let answers = match batch.len() {
            1 => vec![self.read::<Answer<IgnoredAny>>(method, &body)?],
            count => self.in_order::<IgnoredAny>(method, &body, count)?,
        };
        let verdict = |(answer, (_, sent_before)): (Answer<IgnoredAny>, &(&Signed, bool))| match answer.error {
            Some(refusal) => judge(refusal, *sent_before),
            None => Verdict::Taken,
        };
        Ok(answers.into_iter().zip(batch).map(verdict).collect())
    }

    /// The answers of a batch in the order of its questions, which the node need not keep.
    fn in_order<T: DeserializeOwned>(&self, method: &str, body: &Bytes, count: usize) -> Asked<Vec<Answer<T>>> {
        let mut answers = match self.read(method, body)? {
            Answers::Each(answers) => answers,
            Answers::One(answer) => return Err(self.unanswered(method, answer.error)),
        };
        answers.sort_by_key(|answer| answer.id);
        let is_whole = answers.iter().map(|answer| answer.id).eq((0..).take(count).map(Some));
        if is_whole { Ok(answers) } else { Err(self.unreadable(method, "not one answer for each question".to_owned())) }
    }

    fn read<T: DeserializeOwned>(&self, method: &str, body: &Bytes) -> Asked<T> {
        serde_json::from_slice(body).map_err(|why| self.unreadable(method, why.to_string()))
    }

    fn result<T: DeserializeOwned>(&self, method: &str, answer: Answer<T>) -> Asked<T> {
        match (answer.error, answer.result) {
            (Some(refusal), _) => Err(self.unanswered(method, Some(refusal))),
            (None, Some(result)) => Ok(result),
            // A method may answer `null`, which only the type can tell from no answer.
            (None, None) => serde_json::from_value(Value::Null).map_err(|why| self.unreadable(method, why.to_string())),
        }
    }

    fn unanswered(&self, method: &str, refusal: Option<Refusal>) -> ClientUnavailable {
        match refusal {
            None => self.unreadable(method, "one answer for many questions".to_owned()),
            Some(Refusal { code, message }) => {
                ClientUnavailable::Refused { endpoint: self.endpoint(), method: method.to_owned(), message, code }
            }
        }
    }

    fn unreadable(&self, method: &str, why: String) -> ClientUnavailable {
        ClientUnavailable::Unreadable { endpoint: self.endpoint(), method: method.to_owned(), why }
    }

    fn endpoint(&self) -> String {
        self.0.endpoint().to_string()
    }
}

/// A request that hands in one transaction, or a batch of several, each by the method of its kind.
fn submission(confirm: Confirm, batch: &[(&Signed, bool)]) -> Vec<u8> {
    let one = |id: usize, signed: &Signed| {
        let method = signed.kind.submit_method(confirm);
        format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":["{}"]}}"#, signed.raw)
    };
    if let [(signed, _)] = batch {
        return one(0, signed).into_bytes();
    }
    let each = batch.iter().enumerate().map(|(id, (signed, _))| one(id, signed));
    format!("[{}]", each.collect::<Vec<_>>().join(",")).into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::Kind;

    fn client() -> Client {
        Client::of("http://127.0.0.1:1".parse().unwrap())
    }

    #[test]
    fn a_batch_is_a_list_and_a_single_call_is_none() {
        let signed = |kind| Signed { kind, hash: Hash32::default(), raw: "0x01".into(), sender: 0 };
        let (call, message) = (signed(Kind::Ethereum), signed(Kind::Fvm));
        let read = |batch: &[_]| serde_json::from_slice::<Value>(&submission(Confirm::Poll, batch)).unwrap();
        let method = "eth_sendRawTransaction";
        assert_eq!(read(&[(&call, false)]), json!({"jsonrpc": "2.0", "id": 0, "method": method, "params": ["0x01"]}));
        let two = read(&[(&call, false), (&message, true)]);
        assert_eq!((two.as_array().unwrap().len(), &two[1]["id"]), (2, &json!(1)));
        assert_eq!((&two[0]["method"], &two[1]["method"]), (&json!(method), &json!("subnet_sendMessage")));
    }

    #[test]
    fn answers_are_put_in_the_order_of_the_questions_and_none_may_be_missing() {
        let read = |body: Value| {
            let answers = client().in_order::<u64>("m", &Bytes::from(body.to_string()), 2);
            answers.map(|answers| answers.into_iter().map(|answer| answer.result).collect::<Vec<_>>())
        };
        let answer = |id: u64, result: u64| json!({"jsonrpc": "2.0", "id": id, "result": result});
        assert_eq!(read(json!([answer(1, 11), answer(0, 10)])).unwrap(), [Some(10), Some(11)]);
        for short in [json!([answer(0, 1)]), json!([answer(0, 1), answer(0, 1)]), json!([]), json!("no")] {
            assert!(matches!(read(short.clone()), Err(ClientUnavailable::Unreadable { .. })), "{short}");
        }
        let refused = json!({"jsonrpc": "2.0", "id": null, "error": {"code": -32010, "message": "batch too large"}});
        assert!(read(refused).unwrap_err().to_string().contains("batch too large"));
    }

    #[test]
    fn nothing_is_an_answer_where_the_method_may_have_none() {
        let answer = || Answer { id: Some(0), result: None, error: None };
        assert_eq!(client().result::<Option<u64>>("m", answer()), Ok(None));
        let answer = Answer { id: Some(0), result: None, error: None };
        assert!(client().result::<u64>("m", answer).is_err());
    }
}
