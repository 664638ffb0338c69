//! Results as the guest reads them: packed, little-endian, in the order of `fvm_shared::sys::out`.

use fvm_shared::sys::out;

/// A result with its byte form.
pub(super) trait Reply {
    /// How many bytes.
    const BYTES: u32;

    /// The byte form.
    fn bytes(self) -> impl AsRef<[u8]>;
}

macro_rules! reply_as_number {
    ($($number:ty: $bytes:literal),*) => {$(
        impl Reply for $number {
            const BYTES: u32 = $bytes;

            fn bytes(self) -> impl AsRef<[u8]> {
                self.to_le_bytes()
            }
        }
    )*};
}

// A token amount is a u128: its low and then its high 64 bits.
reply_as_number!(i32: 4, u32: 4, u64: 8, u128: 16);

impl Reply for [u8; 32] {
    const BYTES: u32 = 32;

    fn bytes(self) -> impl AsRef<[u8]> {
        self
    }
}

impl Reply for [u8; 65] {
    const BYTES: u32 = 65;

    fn bytes(self) -> impl AsRef<[u8]> {
        self
    }
}

impl Reply for out::ipld::IpldOpen {
    const BYTES: u32 = 16;

    fn bytes(self) -> impl AsRef<[u8]> {
        Packed::<16>::new().u64(self.codec).u32(self.id).u32(self.size).bytes
    }
}

impl Reply for out::ipld::IpldStat {
    const BYTES: u32 = 12;

    fn bytes(self) -> impl AsRef<[u8]> {
        Packed::<12>::new().u64(self.codec).u32(self.size).bytes
    }
}

impl Reply for out::send::Send {
    const BYTES: u32 = 20;

    fn bytes(self) -> impl AsRef<[u8]> {
        let packed = Packed::<20>::new().u32(self.exit_code).u32(self.return_id);
        packed.u64(self.return_codec).u32(self.return_size).bytes
    }
}

impl Reply for out::vm::MessageContext {
    const BYTES: u32 = 80;

    fn bytes(self) -> impl AsRef<[u8]> {
        let (value, premium, flags) = (self.value_received, self.gas_premium, self.flags);
        let packed = Packed::<80>::new().u64(self.origin).u64(self.nonce).u64(self.caller);
        let packed = packed.u64(self.receiver).u64(self.method_number);
        packed.u64(value.lo).u64(value.hi).u64(premium.lo).u64(premium.hi).u64(flags.bits()).bytes
    }
}

impl Reply for out::network::NetworkContext {
    const BYTES: u32 = 44;

    fn bytes(self) -> impl AsRef<[u8]> {
        let (base_fee, version) = (self.base_fee, self.network_version);
        let packed = Packed::<44>::new().u64(self.epoch.cast_unsigned()).u64(self.timestamp);
        packed.u64(base_fee.lo).u64(base_fee.hi).u64(self.chain_id).u32(version.into()).bytes
    }
}

/// `N` bytes filled from the front.
struct Packed<const N: usize> {
    bytes: [u8; N],
    filled: usize,
}

impl<const N: usize> Packed<N> {
    fn new() -> Self {
        Self { bytes: [0; N], filled: 0 }
    }

    fn u32(self, number: u32) -> Self {
        self.put(&number.to_le_bytes())
    }

    fn u64(self, number: u64) -> Self {
        self.put(&number.to_le_bytes())
    }

    fn put(mut self, field: &[u8]) -> Self {
        let end = self.filled + field.len();
        self.bytes[self.filled..end].copy_from_slice(field);
        self.filled = end;
        self
    }
}

#[cfg(test)]
mod tests {
    use fvm_shared::sys;

    use super::*;

    /// Declared and written sizes agree with the structures that the sdk reads.
    #[test]
    fn a_reply_has_the_size_of_what_the_sdk_reads() {
        fn check<T: Reply>(reply: T) {
            let bytes = reply.bytes().as_ref().len();
            assert_eq!(bytes, size_of::<T>(), "{}", std::any::type_name::<T>());
            assert_eq!(u32::try_from(bytes), Ok(T::BYTES), "{}", std::any::type_name::<T>());
        }
        let amount = sys::TokenAmount { lo: 1, hi: 2 };
        check(1_u32);
        check(-1_i32);
        check(1_u64);
        check(1_u128);
        check([1; 32]);
        check([1; 65]);
        check(out::ipld::IpldOpen { codec: 1, id: 2, size: 3 });
        check(out::ipld::IpldStat { codec: 1, size: 3 });
        check(out::send::Send { exit_code: 1, return_id: 2, return_codec: 3, return_size: 4 });
        check(out::vm::MessageContext {
            origin: 1,
            nonce: 2,
            caller: 3,
            receiver: 4,
            method_number: 5,
            value_received: amount,
            gas_premium: amount,
            flags: out::vm::ContextFlags::READ_ONLY,
        });
        check(out::network::NetworkContext {
            epoch: 1,
            timestamp: 2,
            base_fee: amount,
            chain_id: 3,
            network_version: fvm_shared::version::NetworkVersion::V21,
        });
    }

    #[test]
    fn fields_are_little_endian_in_their_order() {
        let stat = out::ipld::IpldStat { codec: 0x71, size: 0x0102 };
        assert_eq!(stat.bytes().as_ref(), [0x71, 0, 0, 0, 0, 0, 0, 0, 2, 1, 0, 0]);
    }
}
