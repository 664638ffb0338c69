use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use futures::channel::mpsc;
use futures::{SinkExt as _, StreamExt as _, poll};
use serde_json::{Value, json};

use super::*;

/// Room for 16,000 bytes beside those that are free; half of it for one client.
const REQUEST_BYTES_MAX: usize = 1_000;
/// What one client may hold, in one request.
const HELD_MAX: usize = (16 << 10) + 8_000;

/// A body that comes in parts, and may say before how long it is.
struct Parts {
    parts: mpsc::Receiver<usize>,
    told: Option<u64>,
}

impl Body for Parts {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let bytes = ready!(self.parts.poll_next_unpin(context));
        Poll::Ready(bytes.map(|bytes| Ok(Frame::data(Bytes::from(vec![7; bytes])))))
    }

    fn size_hint(&self) -> SizeHint {
        self.told.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

type Asked = Pin<Box<dyn Future<Output = Result<HttpResponse, BoxError>> + Send>>;

/// Reads bodies to their end, adds up how many bytes were handed on, and answers when it is told to.
#[derive(Clone)]
struct Reader {
    read: Arc<Mutex<usize>>,
    answer: Arc<tokio::sync::Semaphore>,
}

impl Service<HttpRequest> for Reader {
    type Response = HttpResponse;
    type Error = BoxError;
    type Future = Asked;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: HttpRequest) -> Asked {
        let (mut body, Self { read, answer }) = (request.into_body(), self.clone());
        Box::pin(async move {
            while let Some(frame) = std::future::poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
                *read.lock().unwrap() += frame?.data_ref().map_or(0, Bytes::len);
            }
            answer.acquire().await?.forget();
            Ok(HttpResponse::new(HttpBody::empty()))
        })
    }
}

struct Served {
    intake: Intake<Reader>,
    reader: Reader,
}

impl Served {
    fn new(request_bytes_max: usize) -> Self {
        let reader = Reader { read: Arc::default(), answer: Arc::new(tokio::sync::Semaphore::new(0)) };
        let room = Room::of_requests(REQUEST_BYTES_MAX);
        let bounds = Bounds { room, request_bytes_max, batch_max: 2, traffic: Traffic::default() };
        Self { intake: Intake::new(reader.clone(), bounds), reader }
    }

    /// Asks with a body that has come whole.
    fn ask(&mut self, parts: &[usize], is_told: bool) -> Asked {
        let (mut sender, receiver) = mpsc::channel(parts.len());
        for bytes in parts {
            sender.try_send(*bytes).unwrap();
        }
        let told = is_told.then(|| parts.iter().sum::<usize>().try_into().unwrap());
        self.intake.call(HttpRequest::new(HttpBody::new(Parts { parts: receiver, told })))
    }

    fn read(&self) -> usize {
        *self.reader.read.lock().unwrap()
    }

    fn refused(&self) -> u64 {
        self.intake.bounds.traffic.refused_requests()
    }

    fn answer(&self) {
        self.reader.answer.add_permits(1);
    }
}

async fn refusal(answer: HttpResponse) -> Value {
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.headers()["retry-after"], "1");
    let mut body = answer.into_body();
    let frame = std::future::poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await.unwrap().unwrap();
    serde_json::from_slice(frame.data_ref().unwrap()).unwrap()
}

#[tokio::test]
async fn a_body_has_room_until_it_is_answered_and_the_next_is_refused() {
    for is_told in [true, false] {
        let mut served = Served::new(1 << 20);
        let mut first = served.ask(&[HELD_MAX - 10, 10], is_told);
        assert!(poll!(&mut first).is_pending());
        assert_eq!(served.read(), HELD_MAX);
        let (full, free) = (served.ask(&[16 << 10, 1], is_told), served.ask(&[16 << 10], is_told));
        let refused = refusal(full.await.unwrap()).await;
        assert_eq!((&refused["id"], &refused["error"]["code"]), (&Value::Null, &json!(-32005)), "{refused}");
        let message = refused["error"]["message"].as_str().unwrap();
        assert!(message.starts_with("there is no room for this request beside those"), "{message}");
        assert_eq!((served.refused(), served.read() > HELD_MAX), (1, !is_told), "{is_told}");
        served.answer();
        served.answer();
        assert_eq!(free.await.unwrap().status(), StatusCode::OK, "what is free always has room");
        assert_eq!(first.await.unwrap().status(), StatusCode::OK);
        served.answer();
        assert_eq!(served.ask(&[HELD_MAX], is_told).await.unwrap().status(), StatusCode::OK, "it came back");
        assert_eq!(served.refused(), 1);
    }
}

#[tokio::test]
async fn who_leaves_leaves_its_room() {
    let mut served = Served::new(1 << 20);
    let mut first = served.ask(&[HELD_MAX], true);
    assert!(poll!(&mut first).is_pending());
    drop(first);
    served.answer();
    assert_eq!(served.ask(&[HELD_MAX], true).await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn what_is_refused_is_read_to_its_end_but_no_more_than_a_request_may_have() {
    let mut served = Served::new(100_000);
    let (mut parts, receiver) = mpsc::channel(1);
    let body = Parts { parts: receiver, told: None };
    let mut asked = served.intake.call(HttpRequest::new(HttpBody::new(body)));
    let mut sent = 0;
    let answer = loop {
        match poll!(&mut asked) {
            Poll::Ready(answer) => break answer.unwrap(),
            Poll::Pending => parts.send(10_000).await.unwrap(),
        }
        sent += 10_000;
        assert!(sent <= 200_000, "it ends");
    };
    assert_eq!(refusal(answer).await["error"]["code"], -32005);
    assert!((100_000..=140_000).contains(&sent) && served.read() == 20_000, "{sent} {}", served.read());
}

#[tokio::test]
async fn what_says_that_it_is_too_large_is_left_to_who_reads_it() {
    let mut served = Served::new(1_000);
    let _unread = served.ask(&[HELD_MAX], true);
    served.answer();
    assert_eq!(served.ask(&[HELD_MAX], false).await.unwrap().status(), StatusCode::OK, "it holds no room");
}
