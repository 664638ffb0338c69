use std::io::Cursor;

use futures::StreamExt as _;
use futures::executor::block_on;
use tokio::io::AsyncReadExt as _;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::Role;

use super::*;

/// Room for 16 times as many, beside those that are free; half of it for one client.
const MESSAGE_BYTES_MAX: u32 = 100_000;
/// What one client may hold, in one message.
const HELD_MAX: usize = (16 << 10) + 800_000;

const MASK: [u8; 4] = [1, 2, 3, 4];

/// A client's frame, masked.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let length = match payload.len() {
        short @ 0..=125 => vec![MASKED | u8::try_from(short).unwrap()],
        middle @ 126..=0xffff => [&[MASKED | LENGTH_OF_2][..], &u16::try_from(middle).unwrap().to_be_bytes()].concat(),
        long => [&[MASKED | LENGTH_OF_8][..], &u64::try_from(long).unwrap().to_be_bytes()].concat(),
    };
    let masked = payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask);
    [first].into_iter().chain(length).chain(MASK).chain(masked).collect()
}

/// Text of so many bytes, of which no four look like others near by.
fn text(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|position| b'a' + u8::try_from(position * position % 23).unwrap()).collect()
}

fn client() -> Client {
    Client::at([192, 0, 2, 1].into())
}

fn room() -> Room {
    Room::of_requests(100_000)
}

fn frames(room: &Room, bytes: &[u8], message_bytes_max: u32) -> Frames<Connection> {
    let connection = tokio::io::join(Cursor::new(bytes.to_vec()), tokio::io::sink());
    Frames::new(connection, 64, room.clone(), client(), message_bytes_max)
}

type Connection = tokio::io::Join<Cursor<Vec<u8>>, tokio::io::Sink>;

/// What is read of these bytes, so many at once.
fn read(room: &Room, bytes: &[u8], at_once: usize) -> Vec<u8> {
    let (mut frames, mut read) = (frames(room, bytes, MESSAGE_BYTES_MAX), Vec::new());
    loop {
        let mut buffer = vec![0; at_once];
        match block_on(frames.read(&mut buffer)).unwrap() {
            0 => return read,
            come => read.extend(&buffer[..come]),
        }
    }
}

/// The messages in these bytes, and whether they were taken in.
fn messages(room: &Room, bytes: &[u8]) -> Vec<(Message, bool)> {
    block_on(async {
        let frames = frames(room, bytes, u32::MAX);
        let mut socket = WebSocketStream::from_raw_socket(frames, Role::Server, None).await;
        let mut messages = Vec::new();
        while let Some(Ok(message)) = socket.next().await {
            let is_taken = !matches!(message, Message::Binary(_)) || socket.get_mut().taken().is_ok();
            messages.push((message, is_taken));
        }
        messages
    })
}

#[test]
fn what_has_room_goes_on_in_parts_however_it_comes() {
    let part = usize::from(PART_BYTES_MAX);
    for bytes in [0, 1, 125, 126, 127, 255, 256, part - 1, part, part + 1, 2 * part, 70_000] {
        let sent = text(bytes);
        let (whole, next) = (frame(FIN | TEXT, &sent), frame(FIN | BINARY, b"{}"));
        let parts = match bytes.div_ceil(part) {
            0 | 1 => frame(FIN | BINARY, &sent),
            count => {
                let cut = sent.chunks(part).zip(1..).map(|(piece, number)| {
                    let opcode = if number == 1 { BINARY } else { 0 };
                    frame(if number == count { FIN | opcode } else { opcode }, piece)
                });
                cut.collect::<Vec<_>>().concat()
            }
        };
        let expected = [&parts[..], &next].concat();
        for at_once in [1, 7, 100_000] {
            assert!(read(&room(), &[&whole[..], &next].concat(), at_once) == expected, "{bytes} by {at_once}");
        }
        let messages = messages(&room(), &[&whole[..], &next].concat());
        let taken = |bytes: &[u8]| (Message::binary(bytes.to_vec()), true);
        assert!(messages == [taken(&sent), taken(b"{}")], "{bytes}");
    }
}

#[test]
fn what_has_no_room_is_dropped_and_what_comes_after_it_is_taken() {
    let large = text(HELD_MAX + 1);
    let half = &large[..HELD_MAX / 2];
    let (taken, refused) = (
        |bytes: &[u8]| (Message::binary(bytes.to_vec()), true),
        |bytes: &[u8]| (Message::binary(bytes.to_vec()), false),
    );
    let ping = (Message::Ping(b"there?".to_vec().into()), true);
    for (sent, expected) in [
        (vec![frame(FIN | TEXT, &large)], vec![refused(b"")]),
        (vec![frame(FIN | TEXT, &large[1..])], vec![taken(&large[1..])]),
        (vec![frame(TEXT, half), frame(FIN, half)], vec![taken(&half.repeat(2))]),
        (vec![frame(TEXT, half), frame(0, half), frame(FIN, b"1234567")], vec![refused(&half.repeat(2))]),
        // Once something of it is missing, nothing more of it is taken.
        (
            vec![frame(TEXT, b"1"), frame(0, &large), frame(FIN | 0x09, b"there?"), frame(FIN, b"2")],
            vec![ping, refused(b"1")],
        ),
        // It ends within a character.
        (vec![frame(TEXT, &[0xc3]), frame(0, &large), frame(FIN, &[0xa9])], vec![refused(&[0xc3])]),
    ] {
        let room = room();
        let (sent, after) = (sent.concat(), frame(FIN | TEXT, &large[1..]));
        let expected = [&expected[..], &[taken(&large[1..])]].concat();
        assert!(messages(&room, &[&sent[..], &after].concat()) == expected, "{} bytes", sent.len());
        assert!(room.share(client()).grow(HELD_MAX).is_ok(), "it comes back");
    }
}

#[test]
fn a_message_that_is_on_its_way_holds_its_room() {
    let (room, head) = (room(), &frame(FIN | TEXT, &text(90_000))[..14]);
    let mut frames = frames(&room, head, MESSAGE_BYTES_MAX);
    block_on(frames.read_to_end(&mut Vec::new())).unwrap();
    let grown = |bytes| room.share(client()).grow(bytes).is_ok();
    let left = HELD_MAX - 90_000 + (16 << 10);
    assert!(grown(left) && !grown(left + 1));
    let share = frames.taken().unwrap();
    assert!(grown(left) && !grown(left + 1), "as long as it is answered");
    drop(share);
    assert!(grown(HELD_MAX));
}

#[test]
fn what_is_larger_than_a_message_may_be_goes_on_as_it_came_and_holds_nothing() {
    let (room, large) = (room(), frame(FIN | TEXT, &text(100_001)));
    assert!(read(&room, &large, 1_000) == large);
    let head = [FIN | TEXT, MASKED | LENGTH_OF_8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4];
    assert_eq!(read(&room, &head, 1_000), head);
    assert!(room.share(client()).grow(HELD_MAX).is_ok());
}

#[test]
fn a_frame_without_a_mask_goes_on_without_one() {
    let unmasked = [FIN | TEXT, 2, b'{', b'}'];
    assert_eq!(read(&room(), &unmasked, 1_000), [FIN | BINARY, 2, b'{', b'}']);
}
