use jsonrpsee::core::server::ResponsePayload;
use serde_json::{Value, json};

use super::*;

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
    let room = Room::new(1 << 10);
    let mut bounds =
        Bounds { submissions: ["bring"].into(), response_bytes_max: 1 << 20, begin_max: Duration::MAX, room };
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
async fn answers_have_room_one_by_one_and_together_and_give_it_back() {
    // Of each sixteen KiB are free, and the room has as many more.
    let batches = batches(10 << 10, |_| {});
    let mut two = batch(&batches, &["read", "read"]).await;
    assert_eq!(json(&two).as_array().map(Vec::len), Some(2));
    let refused = json(&batch(&batches, &["read", "read", "read"]).await);
    assert_eq!((&refused["id"], &refused["error"]["code"]), (&Value::Null, &json!(-32005)), "{refused}");
    let brought = batch(&batches, &["read", "bring", "bring"]).await;
    assert_eq!(json(&brought).as_array().map(Vec::len), Some(3), "what was taken is told in any case");
    drop(Share::of(two.extensions_mut()).unwrap());
    let three = batch(&batches, &["read", "read", "read"]).await;
    assert_eq!(json(&three).as_array().map(Vec::len), Some(3));
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
