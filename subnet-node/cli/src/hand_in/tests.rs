use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use futures::future::join_all;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::node::NodeArgs;
use crate::trouble::Kind;

const HASH: Hash32 = Hash32([9; 32]);
const SEND: &str = "eth_sendRawTransaction";
const LOOK: &str = "subnet_messageStatus";

/// How a node answers a question.
#[derive(Clone, Debug)]
enum Reply {
    Result(Value),
    Error(i32, &'static str),
    /// The connection breaks: nobody knows what the node did.
    Lost,
}

use Reply::{Error, Lost, Result as Answered};

const USED_UP: Reply = Error(-32000, "nonce too low: next nonce 8, tx nonce 7");

/// Questions in the order in which they must come, and their answers.
type Script = Arc<Mutex<VecDeque<(&'static str, Reply)>>>;

/// A node that answers by this script, and what is left of it.
async fn node(script: &[(&'static str, Reply)]) -> (Node, Script) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let rpc = format!("http://{}", listener.local_addr().unwrap());
    let script: Script = Arc::new(Mutex::new(script.iter().cloned().collect()));
    let left = Arc::clone(&script);
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            answer(stream, &script).await;
        }
    });
    let args = NodeArgs { rpc, chain_id: None, timeout: 60, response_bytes_max: 1 << 20 };
    (args.node().unwrap(), left)
}

/// Answers the one question of a connection. What is not in the script gets no answer.
async fn answer(mut stream: TcpStream, script: &Script) {
    let asked = question(&mut stream).await;
    let Some((method, reply)) = script.lock().unwrap().pop_front() else { return };
    assert_eq!(asked["method"], method);
    let mut body = json!({ "jsonrpc": "2.0", "id": asked["id"] });
    match reply {
        Answered(result) => body["result"] = result,
        Error(code, message) => body["error"] = json!({ "code": code, "message": message }),
        Lost => return,
    }
    let (body, head) = (body.to_string(), "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close");
    let len = body.len();
    stream.write_all(format!("{head}\r\ncontent-length: {len}\r\n\r\n{body}").as_bytes()).await.unwrap();
}

/// Reads a question to its end, which is where it is JSON.
async fn question(stream: &mut TcpStream) -> Value {
    let mut request = Vec::new();
    loop {
        assert_ne!(stream.read_buf(&mut request).await.unwrap(), 0, "a question that breaks off");
        let text = String::from_utf8_lossy(&request);
        let body = text.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        if let Ok(question) = serde_json::from_str(body) {
            return question;
        }
    }
}

fn signed(hash: Hash32) -> Signed<'static> {
    Signed { method: SEND, raw: &[2], hash, nonce: 7 }
}

/// What comes of handing in at a node with this script, all of which must be asked.
async fn outcome(script: &[(&'static str, Reply)]) -> (Result<(), Trouble>, HandedIn) {
    let (node, left) = node(script).await;
    let handed_in = HandedIn::nothing(true);
    let outcome = handed_in.hand_in(&node, signed(HASH)).await;
    assert_eq!(left.lock().unwrap().len(), 0, "{script:?}");
    (outcome, handed_in)
}

#[tokio::test]
async fn what_the_node_has_is_taken_however_its_answer_was_lost() {
    let (taken, there, nowhere) =
        (Answered(json!(HASH)), Answered(json!({ "stage": "admitted" })), Answered(json!(null)));
    let known = Error(-32000, "already known: 0x09");
    let broken = Error(-32603, "the node could not answer: a defect stopped this answer");
    let scripts = [
        vec![(SEND, taken.clone())],
        vec![(SEND, known.clone())],
        vec![(SEND, Lost), (LOOK, there.clone())],
        vec![(SEND, broken), (LOOK, there.clone())],
        vec![(SEND, Lost), (LOOK, nowhere.clone()), (SEND, taken.clone())],
        vec![(SEND, Lost), (LOOK, Lost), (SEND, known)],
        vec![(SEND, Lost), (LOOK, nowhere.clone()), (SEND, Lost), (LOOK, nowhere.clone()), (SEND, taken)],
        // In a block before it is handed in again.
        vec![(SEND, Lost), (LOOK, nowhere), (SEND, USED_UP), (LOOK, there)],
    ];
    for (outcome, handed_in) in join_all(scripts.iter().map(|script| outcome(script))).await {
        assert_eq!(outcome, Ok(()));
        let later = handed_in.told(Trouble::interrupted());
        assert_eq!((later.kind, later.transaction), (Kind::Interrupted, Some(HASH)));
        assert!(later.message.contains(&format!("was taken: `tributary status {HASH}`")), "{later}");
    }
}

#[tokio::test]
async fn what_may_have_been_taken_is_told_with_its_hash_and_how_to_go_on() {
    let nowhere = Answered(json!(null));
    let lost = [(SEND, Lost), (LOOK, Lost), (SEND, Lost), (LOOK, nowhere.clone()), (SEND, Lost), (LOOK, Lost)];
    let used_up = [(SEND, Lost), (LOOK, nowhere.clone()), (SEND, USED_UP), (LOOK, nowhere)];
    for (script, kind) in [(&lost[..], Kind::Unreachable), (&used_up, Kind::Nonce)] {
        let (outcome, handed_in) = outcome(script).await;
        let trouble = handed_in.told(outcome.unwrap_err());
        assert_eq!((trouble.kind, trouble.transaction), (kind, Some(HASH)), "{trouble}");
        for says in ["may have been taken".to_owned(), format!("`tributary status {HASH}`"), "--nonce 7".to_owned()] {
            assert!(trouble.message.contains(&says), "{trouble}");
        }
    }
}

#[tokio::test]
async fn what_was_refused_is_not_told_as_handed_in_and_what_was_taken_before_stays() {
    let (outcome, handed_in) = outcome(&[(SEND, USED_UP)]).await;
    let refused = outcome.unwrap_err();
    assert_eq!(refused.kind, Kind::Nonce);
    assert_eq!(handed_in.told(refused.clone()), refused);

    let (node, _) = node(&[(SEND, Answered(json!(HASH))), (SEND, USED_UP)]).await;
    handed_in.hand_in(&node, signed(HASH)).await.unwrap();
    let second = handed_in.hand_in(&node, signed(Hash32([8; 32]))).await.unwrap_err();
    assert_eq!(handed_in.told(second).transaction, Some(HASH));
}

#[tokio::test]
async fn a_signal_before_the_answer_leaves_it_in_doubt() {
    let (node, left) = node(&[(SEND, Lost)]).await;
    let handed_in = HandedIn::nothing(true);
    let asked = async {
        while !left.lock().unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        _ = handed_in.hand_in(&node, signed(HASH)) => panic!("nobody answers"),
        () = asked => {}
    }
    let trouble = handed_in.told(Trouble::interrupted());
    assert_eq!(trouble.transaction, Some(HASH));
    assert!(trouble.message.contains("may have been taken"), "{trouble}");
}

#[test]
fn a_message_that_speaks_of_it_stays_as_it_is() {
    let handed_in = HandedIn::nothing(true);
    handed_in.latest.set(Some(Latest { hash: HASH, nonce: 7, is_taken: true }));
    let message = format!("transaction {HASH} is in block 7 and failed there: exit code 33");
    let told = handed_in.told(Trouble::new(Kind::Failed, message.clone()));
    assert_eq!((told.message, told.transaction), (message, Some(HASH)));
}
