//! Takes messages in while there is room for them ([`room`](crate::room)), frame by frame as they come, before anybody holds what is in them.
//!
//! ```text
//! head of a frame ─▶ room for its payload?   yes ─▶ it goes on, in parts of 16 KiB at most
//!                        │ no
//!                        └─▶ it goes on without its payload, which is read and dropped; its message is refused
//! ```
//!
//! Whoever reads behind this finds frames as RFC 6455 has them, and never makes room for a large one that may not come, nor keeps it when the
//! message is gone. Text goes on as binary, since of a message that is refused it may end within a character. What is never taken in goes on as
//! it came, to be refused by its head: a frame larger than a message may be. So do pings and the like, which need no room.
//!
//! No frame is read before the one before it was taken. Source: RFC 6455, 5.2.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncBufRead as _, AsyncRead, AsyncWrite, BufReader, ReadBuf};

use crate::clients::Client;
use crate::error::RpcRejected;
use crate::room::{Room, Share};

/// Most bytes of a part. A multiple of four, so that a part's mask begins where the frame's does.
const PART_BYTES_MAX: u16 = 16 << 10;

/// Bytes of the longest head: two, a length of eight, a mask of four.
const HEAD_BYTES_MAX: usize = 14;

/// Bytes of the longest payload of pings and the like.
const CONTROL_BYTES_MAX: u64 = 125;

const FIN: u8 = 0x80;
const OPCODE: u8 = 0x0f;
const TEXT: u8 = 0x01;
const BINARY: u8 = 0x02;
const CONTROL: u8 = 0x08;
const MASKED: u8 = 0x80;
const LENGTH: u8 = 0x7f;
/// The length stands in the next two bytes.
const LENGTH_OF_2: u8 = 126;
/// The length stands in the next eight bytes.
const LENGTH_OF_8: u8 = 127;

/// The head of a frame, as far as it came.
#[derive(Clone, Copy, Debug, Default)]
struct Head {
    bytes: [u8; HEAD_BYTES_MAX],
    come: usize,
}

impl Head {
    /// Takes what belongs to it; how many bytes that was.
    fn take(&mut self, bytes: &[u8]) -> usize {
        let taken = bytes.len().min(self.length() - self.come);
        self.bytes[self.come..self.come + taken].copy_from_slice(&bytes[..taken]);
        self.come += taken;
        taken
    }

    fn is_whole(&self) -> bool {
        self.come == self.length()
    }

    /// How long it is, as far as that is known.
    fn length(&self) -> usize {
        let [_, second, ..] = self.bytes;
        if self.come < 2 {
            return 2;
        }
        let of_length = match second & LENGTH {
            LENGTH_OF_2 => 2,
            LENGTH_OF_8 => 8,
            _ => 0,
        };
        2 + of_length + if second & MASKED == 0 { 0 } else { 4 }
    }

    fn payload_bytes(&self) -> u64 {
        let [_, second, a, b, c, d, e, f, g, h, ..] = self.bytes;
        match second & LENGTH {
            LENGTH_OF_2 => u16::from_be_bytes([a, b]).into(),
            LENGTH_OF_8 => u64::from_be_bytes([a, b, c, d, e, f, g, h]),
            short => short.into(),
        }
    }

    fn is_control(&self) -> bool {
        self.bytes[0] & CONTROL != 0
    }

    fn came(&self) -> &[u8] {
        &self.bytes[..self.come]
    }
}

/// A frame that goes on in parts.
#[derive(Debug, Default)]
struct Parts {
    /// The first byte of the next part's head, but for its `FIN`.
    first: u8,
    fin: u8,
    masked: u8,
    mask: Vec<u8>,
}

impl Parts {
    fn of(head: &Head) -> Self {
        let [first, second, ..] = head.bytes;
        let (flags, opcode) = (first & !FIN & !OPCODE, first & OPCODE);
        let mask = if second & MASKED == 0 { &[] } else { &head.came()[head.come - 4..] };
        let opcode = if opcode == TEXT { BINARY } else { opcode };
        Self { first: flags | opcode, fin: first & FIN, masked: second & MASKED, mask: mask.to_vec() }
    }

    /// The head of the next part.
    fn head(&mut self, bytes: u16, is_last: bool) -> Vec<u8> {
        // Those after the first continue it.
        let first = std::mem::take(&mut self.first) | if is_last { self.fin } else { 0 };
        let mut head = vec![first];
        match u8::try_from(bytes) {
            Ok(short) if u64::from(short) <= CONTROL_BYTES_MAX => head.push(self.masked | short),
            _ => {
                head.push(self.masked | LENGTH_OF_2);
                head.extend(bytes.to_be_bytes());
            }
        }
        head.extend(&self.mask);
        head
    }
}

/// A connection of which only what there is room for is read.
#[derive(Debug)]
pub struct Frames<S> {
    socket: BufReader<S>,
    room: Room,
    client: Client,
    message_bytes_max: u64,
    /// Of the message that is on its way.
    share: Share,
    refused: Option<RpcRejected>,
    /// The next frame's, as far as it came.
    head: Head,
    /// Of a head that goes on, what was not read yet.
    told: Vec<u8>,
    parts: Parts,
    /// Bytes of the part that goes on.
    part: u64,
    /// Bytes of the payload after that.
    rest: u64,
    is_dropped: bool,
}

impl<S: AsyncRead> Frames<S> {
    /// What `client` sends on `socket`, of which so many bytes are held that are not looked at yet. Messages have `message_bytes_max` bytes at most.
    pub fn new(socket: S, buffer_bytes: usize, room: Room, client: Client, message_bytes_max: u32) -> Self {
        Self {
            socket: BufReader::with_capacity(buffer_bytes, socket),
            share: room.share(client),
            room,
            client,
            message_bytes_max: message_bytes_max.into(),
            refused: None,
            head: Head::default(),
            told: Vec::new(),
            parts: Parts::default(),
            part: 0,
            rest: 0,
            is_dropped: false,
        }
    }

    /// The connection below.
    pub fn into_inner(self) -> S {
        self.socket.into_inner()
    }

    /// The room of the message that came whole just now.
    ///
    /// # Errors
    /// [`RpcRejected::NoRoomToRead`]: that message is not what was sent.
    pub fn taken(&mut self) -> Result<Share, RpcRejected> {
        let share = std::mem::replace(&mut self.share, self.room.share(self.client));
        self.refused.take().map_or(Ok(share), Err)
    }

    /// A head is whole.
    fn begin(&mut self) {
        let head = std::mem::take(&mut self.head);
        let bytes = head.payload_bytes();
        if bytes > self.message_bytes_max || (head.is_control() && bytes <= CONTROL_BYTES_MAX) {
            self.told.extend(head.came());
            (self.part, self.rest) = (bytes, 0);
            return;
        }
        if self.refused.is_none() {
            self.refused = self.share.grow(usize::try_from(bytes).unwrap_or(usize::MAX)).err();
        }
        self.parts = Parts::of(&head);
        self.is_dropped = self.refused.is_some();
        if self.is_dropped {
            self.told = self.parts.head(0, true);
            (self.part, self.rest) = (0, bytes);
        } else {
            self.begin_part(bytes);
        }
    }

    /// The next part of so many bytes that are left of a frame.
    fn begin_part(&mut self, left: u64) {
        let part = u16::try_from(left).map_or(PART_BYTES_MAX, |left| left.min(PART_BYTES_MAX));
        self.part = part.into();
        self.rest = left - self.part;
        self.told = self.parts.head(part, self.rest == 0);
    }
}

/// As many of the bytes as there is room for, and as are wanted.
fn fitting(bytes: &[u8], wanted: u64, room: usize) -> &[u8] {
    let wanted = usize::try_from(wanted).unwrap_or(usize::MAX);
    &bytes[..bytes.len().min(wanted).min(room)]
}

fn count(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

impl<S: AsyncRead + Unpin> AsyncRead for Frames<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        loop {
            if !this.told.is_empty() {
                let told = this.told.len().min(into.remaining());
                into.put_slice(&this.told[..told]);
                this.told.drain(..told);
                return Poll::Ready(Ok(()));
            }
            if this.part == 0 && this.rest > 0 && !this.is_dropped {
                this.begin_part(this.rest);
                continue;
            }
            let bytes = ready!(Pin::new(&mut this.socket).poll_fill_buf(context))?;
            if bytes.is_empty() {
                // It ended.
                return Poll::Ready(Ok(()));
            }
            if this.part > 0 {
                let bytes = fitting(bytes, this.part, into.remaining());
                into.put_slice(bytes);
                this.part -= count(bytes);
                let taken = bytes.len();
                Pin::new(&mut this.socket).consume(taken);
                return Poll::Ready(Ok(()));
            }
            if this.rest > 0 {
                let bytes = fitting(bytes, this.rest, usize::MAX);
                this.rest -= count(bytes);
                let taken = bytes.len();
                Pin::new(&mut this.socket).consume(taken);
                continue;
            }
            let taken = this.head.take(bytes);
            Pin::new(&mut this.socket).consume(taken);
            if this.head.is_whole() {
                this.begin();
            }
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Frames<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests;
