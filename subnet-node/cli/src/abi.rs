//! Calls of contracts and their answers, by Solidity's signatures.
//!
//! | text | is |
//! |---|---|
//! | `transfer(address,uint256)` | a function; what it returns is shown as bytes |
//! | `balanceOf(address)(uint256)` | a function, and what it returns |
//! | `constructor(string,uint256)` | what a contract is made with |
//! | `Transfer(address indexed from, address indexed to, uint256 value)` | an event |
//!
//! Arguments are words of the command line: numbers in decimal or `0x`, texts as they are, bytes in `0x`, lists `[1,2]`, tuples
//! `(1,"a")`. An address may be `f410…` or `f0…` as well as `0x…`.

use std::str::FromStr;

use alloy_dyn_abi::{DynSolType, DynSolValue, FunctionExt as _, JsonAbiExt as _, Specifier};
use alloy_json_abi::{Constructor, Event, Function};
use alloy_primitives::{Address as EvmAddress, B256};
use serde_json::{Value, json};
use tributary_primitives::{EthAddress, parse_address};

/// At most this much of a text is shown in a refusal.
const SHOWN_CHARACTERS_MAX: usize = 120;
/// Selector of Solidity's `Error(string)`.
const ERROR_SELECTOR: [u8; 4] = [0x08, 0xc3, 0x79, 0xa0];
/// Selector of Solidity's `Panic(uint256)`.
const PANIC_SELECTOR: [u8; 4] = [0x4e, 0x48, 0x7b, 0x71];

/// What is not understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AbiRejected {
    /// No signature.
    #[error("{text:?} is no signature like {like}: {why}")]
    Signature {
        /// What was given, cut short.
        text: String,
        /// What one looks like.
        like: &'static str,
        /// What is wrong.
        why: String,
    },
    /// More or fewer arguments.
    #[error("{signature} takes {takes} arguments, and {got} are given")]
    Count {
        /// Of what.
        signature: String,
        /// How many it takes.
        takes: usize,
        /// How many there are.
        got: usize,
    },
    /// An argument of another type.
    #[error("argument {position}, {text:?}, is no {wanted}: {why}")]
    Argument {
        /// From 1.
        position: usize,
        /// What was given, cut short.
        text: String,
        /// Its type.
        wanted: String,
        /// What is wrong.
        why: String,
    },
    /// The answer is not what the signature says.
    #[error("{signature} does not describe the answer 0x{data}: {why}; is there a contract, and of this kind?")]
    Answer {
        /// Of what.
        signature: String,
        /// What came back, cut short.
        data: String,
        /// What is wrong.
        why: String,
    },
}

/// A function of a contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature(Function);

impl FromStr for Signature {
    type Err = AbiRejected;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let like = "transfer(address,uint256) or balanceOf(address)(uint256)";
        let function = Function::parse(text).map_err(|why| not_a_signature(text, like, &why))?;
        // A type that there is not is refused here, not when it is first used.
        types(function.inputs.iter())
            .and(types(function.outputs.iter()))
            .map_err(|why| not_a_signature(text, like, &why))?;
        Ok(Self(function))
    }
}

impl Signature {
    /// The call with these arguments: selector, then words.
    ///
    /// # Errors
    /// [`AbiRejected`] for the argument at fault.
    pub fn encode(&self, arguments: &[String]) -> Result<Vec<u8>, AbiRejected> {
        let values = values(&self.0.signature(), &self.input_types(), arguments)?;
        Ok(self.0.abi_encode_input(&values).expect("values were made by these types"))
    }

    /// What an answer means, one value each; nothing where the signature does not say what comes back.
    ///
    /// # Errors
    /// [`AbiRejected::Answer`].
    pub fn decode(&self, answer: &[u8]) -> Result<Vec<Value>, AbiRejected> {
        let decoded = self.0.abi_decode_output(answer).map_err(|why| AbiRejected::Answer {
            signature: self.0.signature_with_outputs(),
            data: hex::encode(answer).chars().take(SHOWN_CHARACTERS_MAX).collect(),
            why: why.to_string(),
        })?;
        Ok(decoded.iter().map(to_json).collect())
    }

    fn input_types(&self) -> Vec<DynSolType> {
        types(self.0.inputs.iter()).expect("they were resolved when it was read")
    }
}

/// What follows a contract's bytecode when it is made: the constructor's arguments, without a selector.
///
/// # Errors
/// [`AbiRejected`].
pub fn encode_constructor(signature: &str, arguments: &[String]) -> Result<Vec<u8>, AbiRejected> {
    let like = "constructor(string,uint256)";
    let constructor = Constructor::parse(signature).map_err(|why| not_a_signature(signature, like, &why))?;
    let types = types(constructor.inputs.iter()).map_err(|why| not_a_signature(signature, like, &why))?;
    let values = values(signature, &types, arguments)?;
    Ok(constructor.abi_encode_input(&values).expect("values were made by these types"))
}

/// An event of a contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventSignature(Event);

impl FromStr for EventSignature {
    type Err = AbiRejected;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let like = "'Transfer(address indexed from, address indexed to, uint256 value)'";
        let event = Event::parse(text).map_err(|why| not_a_signature(text, like, &why))?;
        types(event.inputs.iter()).map_err(|why| not_a_signature(text, like, &why))?;
        Ok(Self(event))
    }
}

impl EventSignature {
    /// The first topic of its logs.
    #[must_use]
    pub fn topic(&self) -> B256 {
        self.0.selector()
    }

    /// What a log says, by name where the signature names it; `None` for a log of another shape. An indexed text, list or tuple is
    /// in its log by hash alone, and is shown as that.
    #[must_use]
    pub fn decode(&self, topics: &[B256], data: &[u8]) -> Option<Value> {
        let (indexed, plain): (Vec<_>, Vec<_>) = self.0.inputs.iter().partition(|input| input.indexed);
        if topics.first() != Some(&self.topic()) || topics.len() != indexed.len() + 1 {
            return None;
        }
        let body = DynSolType::Tuple(types(plain.into_iter()).ok()?).abi_decode_params(data).ok()?;
        let mut body = body.as_tuple()?.iter();
        let mut topics = topics.iter().skip(1);
        let mut said = serde_json::Map::new();
        for (position, input) in self.0.inputs.iter().enumerate() {
            let value = match input.indexed {
                true => of_topic(&input.resolve().ok()?, topics.next()?),
                false => to_json(body.next()?),
            };
            let name = if input.name.is_empty() { position.to_string() } else { input.name.clone() };
            said.insert(name, value);
        }
        Some(Value::from(said))
    }
}

/// An indexed value: itself where it fits a word, its hash otherwise.
fn of_topic(of: &DynSolType, topic: &B256) -> Value {
    match of {
        DynSolType::Bool
        | DynSolType::Int(_)
        | DynSolType::Uint(_)
        | DynSolType::FixedBytes(_)
        | DynSolType::Address => {
            of.abi_decode(topic.as_slice()).map_or_else(|_| json!(topic.to_string()), |value| to_json(&value))
        }
        _ => json!(topic.to_string()),
    }
}

/// Why a contract reverted, if it says so in Solidity's way.
#[must_use]
pub fn revert_reason(returned: &[u8]) -> Option<String> {
    let (selector, arguments) = returned.split_first_chunk::<4>()?;
    match *selector {
        ERROR_SELECTOR => {
            let said = DynSolType::Tuple(vec![DynSolType::String]).abi_decode_params(arguments).ok()?;
            said.as_tuple()?.first()?.as_str().map(str::to_owned)
        }
        PANIC_SELECTOR => {
            let (code, _) = DynSolType::Uint(256).abi_decode(arguments).ok()?.as_uint()?;
            Some(format!("panic {code:#x}"))
        }
        _ => None,
    }
}

fn types<'a, T: Specifier<DynSolType> + 'a>(
    inputs: impl Iterator<Item = &'a T>,
) -> Result<Vec<DynSolType>, alloy_dyn_abi::Error> {
    inputs.map(|input| input.resolve()).collect()
}

fn values(signature: &str, types: &[DynSolType], arguments: &[String]) -> Result<Vec<DynSolValue>, AbiRejected> {
    if types.len() != arguments.len() {
        let signature = signature.to_owned();
        return Err(AbiRejected::Count { signature, takes: types.len(), got: arguments.len() });
    }
    types.iter().zip(arguments).enumerate().map(|(at, (wanted, text))| value(at + 1, wanted, text)).collect()
}

fn value(position: usize, wanted: &DynSolType, text: &str) -> Result<DynSolValue, AbiRejected> {
    let rejected = |why: String| AbiRejected::Argument { position, text: shown(text), wanted: wanted.to_string(), why };
    match wanted {
        // The library would take off spaces and quotes, which belong to a word of the command line.
        DynSolType::String => Ok(DynSolValue::String(text.to_owned())),
        DynSolType::Address => {
            let address = parse_address(text).map_err(|why| rejected(why.to_string()))?;
            let ethereum = EthAddress::from_address(&address);
            let ethereum =
                ethereum.ok_or_else(|| rejected("a contract knows accounts by 0x…, f410… or f0…".to_owned()))?;
            Ok(DynSolValue::Address(EvmAddress::from(ethereum.0)))
        }
        _ => wanted.coerce_str(text).map_err(|why| rejected(why.to_string())),
    }
}

/// Numbers as decimal texts, since JSON's end at 2^53; bytes and addresses as `0x` and hex.
fn to_json(value: &DynSolValue) -> Value {
    match value {
        DynSolValue::Bool(bool) => json!(bool),
        DynSolValue::Int(int, _) => json!(int.to_string()),
        DynSolValue::Uint(uint, _) => json!(uint.to_string()),
        DynSolValue::FixedBytes(word, size) => json!(format!("0x{}", hex::encode(&word.as_slice()[..(*size).min(32)]))),
        DynSolValue::Address(address) => json!(EthAddress(address.0.0).to_string()),
        DynSolValue::Function(function) => json!(format!("0x{}", hex::encode(function.0))),
        DynSolValue::Bytes(bytes) => json!(format!("0x{}", hex::encode(bytes))),
        DynSolValue::String(text) => json!(text),
        DynSolValue::Array(values) | DynSolValue::FixedArray(values) | DynSolValue::Tuple(values) => {
            Value::from(values.iter().map(to_json).collect::<Vec<_>>())
        }
    }
}

fn not_a_signature(text: &str, like: &'static str, why: &dyn std::fmt::Display) -> AbiRejected {
    AbiRejected::Signature { text: shown(text), like, why: why.to_string() }
}

fn shown(text: &str) -> String {
    text.chars().take(SHOWN_CHARACTERS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use alloy_primitives::keccak256;

    use super::*;

    fn words(text: &[&str]) -> Vec<String> {
        text.iter().map(|word| (*word).to_owned()).collect()
    }

    fn encoded(signature: &str, arguments: &[&str]) -> String {
        hex::encode(signature.parse::<Signature>().unwrap().encode(&words(arguments)).unwrap())
    }

    #[test]
    fn a_transfer_is_the_selector_and_two_words() {
        let holder = "0x5b38da6a701c568545dcfcb03fcb875f56beddc4";
        let word = format!("{:0>64}{:064x}", &holder[2..], 1_000);
        assert_eq!(encoded("transfer(address,uint256)", &[holder, "1000"]), format!("a9059cbb{word}"));
        let f410 = parse_address(holder).unwrap().to_string();
        assert_eq!(encoded("transfer(address to, uint256 amount)", &[&f410, "0x3e8"]), format!("a9059cbb{word}"));
        assert_eq!(encoded("transfer(address,uint256)(bool)", &[holder, "1000"]), format!("a9059cbb{word}"));
        let masked = encoded("balanceOf(address)", &["f0100"]);
        assert_eq!(masked, format!("70a08231{:0>64}", "ff00000000000000000000000000000000000064"));
    }

    #[test]
    fn the_abi_specifications_own_examples_come_out() {
        // "Contract ABI Specification", Solidity documentation, "Examples".
        let selector = |signature: &str| hex::encode(&keccak256(signature)[..4]);
        assert_eq!(encoded("baz(uint32,bool)", &["69", "true"]), format!("cdcd77c0{:064x}{:064x}", 69, 1));
        let abc = format!("{:0<64}", "616263");
        let def = format!("{:0<64}", "646566");
        assert_eq!(encoded("bar(bytes3[2])", &["[0x616263,0x646566]"]), format!("fce353f6{abc}{def}"));
        let dave = format!("{:064x}{:0<64}", 4, "64617665");
        let list = format!("{:064x}{:064x}{:064x}{:064x}", 3, 1, 2, 3);
        let expected = format!("a5643bf2{:064x}{:064x}{:064x}{dave}{list}", 0x60, 1, 0xa0);
        assert_eq!(encoded("sam(bytes,bool,uint256[])", &["0x64617665", "true", "[1,2,3]"]), expected);
        assert_eq!(selector("sam(bytes,bool,uint256[])"), "a5643bf2");
    }

    #[test]
    fn a_constructors_arguments_have_no_selector_and_a_text_stays_as_it_is() {
        let encoded = encode_constructor("constructor(string,uint256)", &words(&["\"two words\" ", "7"])).unwrap();
        let text = DynSolValue::Tuple(vec![
            DynSolValue::String("\"two words\" ".to_owned()),
            DynSolValue::Uint(alloy_primitives::U256::from(7), 256),
        ]);
        assert_eq!(encoded, text.abi_encode_params());
        assert!(matches!(encode_constructor("make(string)", &words(&["a"])), Err(AbiRejected::Signature { .. })));
    }

    #[test]
    fn each_bad_argument_is_refused_by_its_place() {
        let refusal = |signature: &str, arguments: &[&str]| {
            let encoded = signature.parse::<Signature>().and_then(|signature| signature.encode(&words(arguments)));
            encoded.unwrap_err().to_string()
        };
        for (signature, arguments, reason) in [
            ("transfer", &[][..], "is no signature"),
            ("transfer(adress,uint256)", &["0x00", "1"], "is no signature"),
            ("f(uint256)", &[], "takes 1 arguments, and 0 are given"),
            ("f()", &["1"], "takes 0 arguments, and 1 are given"),
            ("f(uint8)", &["256"], "argument 1, \"256\", is no uint8"),
            ("f(uint256)", &["-1"], "argument 1"),
            ("f(bool,bool)", &["true", "yes"], "argument 2, \"yes\", is no bool"),
            ("f(bytes3)", &["0x6162"], "argument 1"),
            ("f(address)", &["alice"], "is no address"),
            ("f(address)", &["f17uoq6tp427uzv7fztkbsnn64iwotfrristwpryy"], "a contract knows accounts by"),
            ("f(uint256[2])", &["[1]"], "argument 1"),
        ] {
            let said = refusal(signature, arguments);
            assert!(said.contains(reason), "{signature} {arguments:?}: {said}");
        }
    }

    #[test]
    fn an_answer_is_read_by_what_the_signature_says_comes_back() {
        let signature: Signature = "f()(uint256,string,address,bool,bytes2,int8[])".parse().unwrap();
        let holder = EthAddress([7; 20]);
        let answer = DynSolValue::Tuple(vec![
            DynSolValue::Uint(alloy_primitives::U256::MAX, 256),
            DynSolValue::String("hello".to_owned()),
            DynSolValue::Address(EvmAddress::from(holder.0)),
            DynSolValue::Bool(true),
            DynSolValue::FixedBytes(B256::repeat_byte(0xab), 2),
            DynSolValue::Array(vec![DynSolValue::Int(alloy_primitives::I256::MINUS_ONE, 8)]),
        ]);
        let decoded = signature.decode(&answer.abi_encode_params()).unwrap();
        let most = alloy_primitives::U256::MAX.to_string();
        assert_eq!(
            decoded,
            [json!(most), json!("hello"), json!(holder.to_string()), json!(true), json!("0xabab"), json!(["-1"])]
        );
        let silent: Signature = "f()".parse().unwrap();
        assert_eq!(silent.decode(&[1, 2, 3]).unwrap(), Vec::<Value>::new());
        let nobody = "f()(uint256)".parse::<Signature>().unwrap().decode(&[]).unwrap_err();
        assert!(nobody.to_string().contains("is there a contract"), "{nobody}");
    }

    #[test]
    fn a_log_is_read_by_its_event_and_no_other() {
        let transfer: EventSignature =
            "Transfer(address indexed from, address indexed to, uint256 value)".parse().unwrap();
        assert_eq!(transfer.topic(), keccak256("Transfer(address,address,uint256)"));
        let word = |last: u8| B256::with_last_byte(last);
        let topics = [transfer.topic(), word(1), word(2)];
        let said = transfer.decode(&topics, word(5).as_slice()).unwrap();
        let account = |last: u8| format!("0x{:0>40}", format!("{last:x}"));
        assert_eq!(said, json!({"from": account(1), "to": account(2), "value": "5"}));
        for (topics, data) in
            [(&topics[..2], &word(5)[..]), (&[word(9), word(1), word(2)], &word(5)[..]), (&topics[..], &[]), (&[], &[])]
        {
            assert_eq!(transfer.decode(topics, data), None);
        }
        let named: EventSignature = "Named(string indexed, bytes)".parse().unwrap();
        let bytes = DynSolValue::Tuple(vec![DynSolValue::Bytes(vec![1])]).abi_encode_params();
        let hashed = named.decode(&[named.topic(), word(3)], &bytes).unwrap();
        assert_eq!(hashed, json!({"0": word(3).to_string(), "1": "0x01"}));
    }

    #[test]
    fn a_revert_tells_its_reason() {
        let error = [&ERROR_SELECTOR[..], &DynSolValue::String("no".to_owned()).abi_encode()].concat();
        assert_eq!(revert_reason(&error), Some("no".to_owned()));
        let panic = [&PANIC_SELECTOR[..], B256::with_last_byte(0x11).as_slice()].concat();
        assert_eq!(revert_reason(&panic), Some("panic 0x11".to_owned()));
        for other in [&[][..], &[1, 2, 3], &error[..20], &[0xde, 0xad, 0xbe, 0xef]] {
            assert_eq!(revert_reason(other), None);
        }
    }
}
