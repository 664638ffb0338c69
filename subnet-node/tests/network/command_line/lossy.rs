//! A bad way to a node: every question gets there, and some answers do not come back.

use std::io;
use std::net::SocketAddrV4;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// What becomes of an answer that does not come back.
#[derive(Copy, Clone)]
pub enum Fate {
    /// The connection breaks.
    Breaks,
    /// Nothing more is heard.
    Silence,
}

/// Which answers are lost.
struct Losses {
    methods: &'static [&'static str],
    most: usize,
    fate: Fate,
    lost: AtomicUsize,
}

/// The way.
pub struct Way {
    /// Where people ask.
    pub url: String,
    losses: Arc<Losses>,
}

impl Way {
    /// To `node`; loses the first answers, `most` of them, to these methods.
    pub async fn to(node: SocketAddrV4, methods: &'static [&'static str], most: usize, fate: Fate) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let losses = Arc::new(Losses { methods, most, fate, lost: AtomicUsize::new(0) });
        let all = Arc::clone(&losses);
        tokio::spawn(async move {
            loop {
                let (person, _) = listener.accept().await.unwrap();
                let losses = Arc::clone(&all);
                tokio::spawn(async move { carry(person, node, &losses).await });
            }
        });
        Self { url, losses }
    }

    /// Answers that were lost so far: the node gave them.
    pub fn lost(&self) -> usize {
        self.losses.lost.load(Ordering::SeqCst)
    }
}

/// Both ways, until one side ends it or an answer is lost.
async fn carry(mut person: TcpStream, node: SocketAddrV4, losses: &Losses) -> io::Result<()> {
    let mut node = TcpStream::connect(node).await?;
    let (mut asked, mut answered) = (Vec::new(), Vec::new());
    loop {
        let from = asked.len();
        tokio::select! {
            read = person.read_buf(&mut asked) => match read? {
                0 => return Ok(()),
                _ => node.write_all(&asked[from..]).await?,
            },
            read = node.read_buf(&mut answered) => match (read?, losses.of(&asked)) {
                (0, _) | (_, Some(Fate::Breaks)) => return Ok(()),
                (_, Some(Fate::Silence)) => return std::future::pending().await,
                (_, None) => {
                    person.write_all(&answered).await?;
                    asked.clear();
                    answered.clear();
                }
            },
        }
    }
}

impl Losses {
    /// What becomes of the answer to what was asked; `None` if it comes back.
    fn of(&self, asked: &[u8]) -> Option<Fate> {
        let asked = String::from_utf8_lossy(asked);
        let is_about = self.methods.iter().any(|method| asked.contains(&format!("\"{method}\"")));
        (is_about && self.lost.fetch_add(1, Ordering::SeqCst) < self.most).then_some(self.fate)
    }
}
