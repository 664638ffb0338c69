use jsonrpsee::core::server::ResponsePayload;
use serde_json::{Value, json};

use super::*;
use crate::config::RpcConfig;
use crate::traffic::Traffic;

const SHORT: Duration = Duration::from_millis(1);

/// Takes longer than [`SHORT`], and answers with `0` bytes.
#[derive(Clone)]
struct Slow(usize);

impl RpcServiceT for Slow {
    type MethodResponse = MethodResponse;
    type NotificationResponse = MethodResponse;
    type BatchResponse = MethodResponse;

    fn call<'a>(&self, request: Request<'a>) -> impl Future<Output = MethodResponse> + Send + 'a {
        let payload = ResponsePayload::success("x".repeat(self.0));
        async move {
            tokio::time::sleep(SHORT * 2).await;
            MethodResponse::response(request.id(), payload, usize::MAX)
        }
    }

    fn notification<'a>(&self, _: Notification<'a>) -> impl Future<Output = MethodResponse> + Send + 'a {
        std::future::ready(MethodResponse::notification())
    }

    fn batch<'a>(&self, _: Batch<'a>) -> impl Future<Output = MethodResponse> + Send + 'a {
        std::future::ready(MethodResponse::notification())
    }
}

fn batches(answer_bytes: usize, change: impl FnOnce(&mut Bounds)) -> Batches<Slow> {
    let (submissions, room) = (["bring"].into(), Room::of_answers(2 << 10));
    let clients = Arc::new(Clients::new(&RpcConfig::default(), None, Traffic::default()));
    let mut bounds = Bounds { submissions, response_bytes_max: 1 << 20, begin_max: Duration::MAX, room, clients };
    change(&mut bounds);
    Batches::new(Slow(answer_bytes), Arc::new(bounds))
}

async fn batch(batches: &Batches<Slow>, methods: &[&'static str]) -> MethodResponse {
    let request = |(method, id)| Ok(BatchEntry::Call(Request::borrowed(method, None, Id::Number(id))));
    batches.batch(Batch::from(methods.iter().copied().zip(0..).map(request).collect())).await
}

fn json(answer: &MethodResponse) -> Value {
    serde_json::from_str(answer.as_json().get()).unwrap()
}

#[tokio::test]
async fn what_does_not_begin_in_time_is_refused_one_by_one() {
    let batches = batches(1, |bounds| bounds.begin_max = SHORT);
    let answers = json(&batch(&batches, &["read", "bring", "read"]).await);
    assert_eq!((&answers[0]["id"], &answers[0]["result"]), (&json!(0), &json!("x")), "the first always begins");
    for id in [1, 2] {
        assert_eq!((&answers[id]["id"], &answers[id]["error"]["code"]), (&json!(id), &json!(-32005)));
    }
}

#[tokio::test]
async fn an_answer_in_a_batch_that_there_is_no_room_for_is_refused_in_its_place_and_the_batch_goes_on() {
    // Of each sixteen KiB are free, and there is room for as many more of one client.
    let batches = batches(10 << 10, |_| {});
    let codes = |answer: &MethodResponse| {
        let answers = json(answer);
        let code = |(answer, id): (&Value, usize)| {
            assert_eq!(answer["id"], id, "{answers}");
            answer["error"]["code"].as_i64()
        };
        answers.as_array().unwrap().iter().zip(0..).map(code).collect::<Vec<_>>()
    };
    let full = Some(-32005);
    let mut two = batch(&batches, &["read", "read"]).await;
    assert_eq!(codes(&two), [None, None]);
    let mixed = batch(&batches, &["bring", "read", "read", "read", "bring"]).await;
    assert_eq!(codes(&mixed), [None, None, None, full, None], "what was taken is told, and what had room");
    drop(mixed);
    drop(Share::of_answer(two.extensions_mut()).unwrap());
    assert_eq!(codes(&batch(&batches, &["read", "read", "read"]).await), [None, None, None]);
}

#[tokio::test]
async fn a_batch_whose_refusals_would_have_no_room_is_refused_before_it_begins() {
    let batches = batches(1, |_| {});
    // More than the client may hold, and as many as are free.
    let refused = json(&batch(&batches, &["bring"; 129]).await);
    assert_eq!((&refused["id"], &refused["error"]["code"]), (&Value::Null, &json!(-32005)), "{refused}");
    assert_eq!(json(&batch(&batches, &["bring"; 64]).await).as_array().map(Vec::len), Some(64));
}

#[tokio::test]
async fn an_answer_that_there_is_no_room_for_is_refused_by_its_id() {
    let large = batches(28 << 10, |_| {});
    let ask = || large.call(Request::borrowed("read", None, Id::Number(7)));
    let first = ask().await;
    assert!(first.is_success());
    let refused = json(&ask().await);
    assert_eq!((&refused["id"], &refused["error"]["code"]), (&json!(7), &json!(-32005)));
    drop(first);
    assert!(ask().await.is_success());
}
