"""What the conformance classes expect: a funded account, contracts, and blocks with this and that in them.

They were written for a node that holds the account's key. A subnet's node holds none, so the client does: `eth_accounts` and
`eth_sendTransaction` are answered by a wallet in the client, web3.py's own. They also name the chain id of their fixture, so the network
under test must have it (CHAIN_ID), and they look at transactions before those are in a block, so its blocks must be seconds apart.
"""

import os
import re
import time
import tomllib
from pathlib import Path

import pytest
import pytest_asyncio
from web3 import AsyncHTTPProvider, AsyncWeb3, HTTPProvider, Web3, WebSocketProvider
from web3._utils.contract_sources.contract_data.emitter_contract import EMITTER_CONTRACT_DATA
from web3._utils.contract_sources.contract_data.math_contract import MATH_CONTRACT_DATA
from web3._utils.contract_sources.contract_data.offchain_lookup import OFFCHAIN_LOOKUP_DATA
from web3._utils.contract_sources.contract_data.panic_errors_contract import PANIC_ERRORS_CONTRACT_DATA
from web3._utils.contract_sources.contract_data.revert_contract import REVERT_CONTRACT_DATA
from web3._utils.contract_sources.contract_data.storage_contract import STORAGE_CONTRACT_DATA
from web3._utils.module_testing.utils import RequestMocker
from web3.middleware import SignAndSendRawMiddlewareBuilder, Web3Middleware

# The chain id that the classes name.
CHAIN_ID = 131277322940537
# The emitter's event with one indexed argument of two, and what the classes look for in it.
LOG_DOUBLE_WITH_INDEX, FIRST, SECOND = 9, 12345, 54321
# Blocks that the classes ask for by number.
BLOCKS = 12
# Cases that look at a transaction before it is in a block, or count on no log in the latest.
LOOKS_AT_WHAT_WAITS = re.compile("replace|modify|unmined|pending|raw_transaction|new_filter")

URL = os.environ["RPC_URL"].split(",")[0]
KEY = os.environ["PRIVATE_KEY"]
ACCOUNT = Web3().eth.account.from_key(KEY).address
# The synchronous and the asynchronous case for EIP-7702 leave storage behind in the account, so each has one of its own.
OTHER_KEY = "0x" + "77" * 32
OTHER = Web3().eth.account.from_key(OTHER_KEY).address


class Accounts(Web3Middleware):
    """Answers `eth_accounts` with the wallet's."""

    def response_processor(self, method, response):
        return {**response, "result": [ACCOUNT]} if method == "eth_accounts" else response

    async def async_response_processor(self, method, response):
        return self.response_processor(method, response)


def with_wallet(w3):
    """Innermost, so that everything else that web3.py does to a request comes first."""
    w3.middleware_onion.inject(SignAndSendRawMiddlewareBuilder.build([KEY, OTHER_KEY]), "wallet", layer=0)
    w3.middleware_onion.inject(Accounts, "accounts", layer=0)
    return w3


@pytest.fixture(scope="session")
def w3():
    w3 = with_wallet(Web3(HTTPProvider(URL, request_kwargs={"timeout": 30})))
    assert w3.eth.chain_id == CHAIN_ID, f"the network under test must have chain id {CHAIN_ID}"
    return w3


@pytest_asyncio.fixture
async def async_w3(request):
    if request.node.get_closest_marker("websocket"):
        async with AsyncWeb3(WebSocketProvider(URL.replace("http", "ws", 1))) as w3:
            yield with_wallet(w3)
    else:
        w3 = with_wallet(AsyncWeb3(AsyncHTTPProvider(URL)))
        yield w3
        await w3.provider.disconnect()


@pytest.fixture(autouse=True)
def nothing_waits(request, chain, w3):
    """When a case begins. For one that looks at what waits, the next block is a whole interval away besides."""

    def waits():
        count = w3.eth.get_transaction_count
        return any(count(account) < count(account, "pending") for account in (ACCOUNT, OTHER))

    height = w3.eth.block_number if LOOKS_AT_WHAT_WAITS.search(request.node.name) else None
    while waits() or w3.eth.block_number == height:
        time.sleep(0.02)


# What is on the chain before the first case.


class Chain:
    def __init__(self, w3):
        self.w3 = w3
        emitter = self.emitter = self.deployed(EMITTER_CONTRACT_DATA)
        logged = emitter.functions.logDouble(LOG_DOUBLE_WITH_INDEX, FIRST, SECOND).transact({"from": ACCOUNT})
        self.with_log = self.mined(logged)
        self.math = self.deployed(MATH_CONTRACT_DATA)
        self.math_receipt = self.receipt
        self.revert = self.deployed(REVERT_CONTRACT_DATA)
        self.offchain = self.deployed(OFFCHAIN_LOOKUP_DATA)
        self.panic = self.deployed(PANIC_ERRORS_CONTRACT_DATA)
        self.storage = self.deployed(STORAGE_CONTRACT_DATA)
        # Whoever genesis names as its proposer: the classes expect that it earned something since.
        self.mined(self.send(w3.eth.get_block(0)["miner"]))
        self.mined(self.send(OTHER, 10**18))
        self.with_transfer = self.mined(self.send(ACCOUNT))
        self.empty = next(block for block in map(w3.eth.get_block, range(1, 10_000)) if not block["transactions"])
        while w3.eth.block_number < BLOCKS:
            time.sleep(0.1)

    def send(self, to, value=1):
        return self.w3.eth.send_transaction({"from": ACCOUNT, "to": to, "value": value})

    def mined(self, transaction):
        self.receipt = self.w3.eth.wait_for_transaction_receipt(transaction)
        assert self.receipt["status"] == 1
        return self.receipt

    def deployed(self, data):
        factory = self.w3.eth.contract(**data)
        return factory(self.mined(factory.constructor().transact({"from": ACCOUNT}))["contractAddress"])


@pytest.fixture(scope="session")
def chain(w3):
    return Chain(w3)


def fixture(name, of):
    """A fixture `name` made of the chain, and for async classes one of the same with the contract bound to their client."""
    globals()[name] = pytest.fixture(name=name, scope="session")(lambda chain: of(chain))


def contract_fixtures(name, of):
    fixture(name, of)
    fixture(f"{name}_address", lambda chain: of(chain).address)

    def bound(chain, async_w3):
        return async_w3.eth.contract(address=of(chain).address, abi=of(chain).abi)

    globals()[f"async_{name}"] = pytest.fixture(name=f"async_{name}")(bound)
    fixture(f"async_{name}_address", lambda chain: of(chain).address)


contract_fixtures("emitter_contract", lambda chain: chain.emitter)
contract_fixtures("math_contract", lambda chain: chain.math)
contract_fixtures("revert_contract", lambda chain: chain.revert)
contract_fixtures("offchain_lookup_contract", lambda chain: chain.offchain)
contract_fixtures("panic_errors_contract", lambda chain: chain.panic)
contract_fixtures("storage_contract", lambda chain: chain.storage)

for prefix in ("", "async_"):
    fixture(f"{prefix}keyfile_account_address", lambda chain: ACCOUNT)
    fixture(f"{prefix}keyfile_account_address_dual_type", lambda chain: ACCOUNT)
    fixture(f"{prefix}empty_block", lambda chain: chain.empty)
    fixture(f"{prefix}block_with_txn", lambda chain: chain.w3.eth.get_block(chain.with_transfer["blockHash"]))
    fixture(f"{prefix}block_with_txn_with_log", lambda chain: chain.w3.eth.get_block(chain.with_log["blockHash"]))



@pytest.fixture
def keyfile_account_pkey(request):
    return OTHER_KEY if "async_w3" in request.fixturenames else KEY


fixture("mined_txn_hash", lambda chain: chain.with_transfer["transactionHash"].to_0x_hex())
fixture("txn_hash_with_log", lambda chain: chain.with_log["transactionHash"].to_0x_hex())
fixture("math_contract_deploy_txn_hash", lambda chain: chain.math_receipt["transactionHash"].to_0x_hex())
fixture("request_mocker", lambda chain: RequestMocker)
for name in ("skip_if_testrpc", "async_skip_if_testrpc"):
    fixture(name, lambda chain: lambda w3: None)


# Which cases fail today, and how all of them are reported: in TAP, as the other clients do.


def known():
    table = tomllib.loads(Path(__file__).with_name("known.toml").read_text())

    def mark(group):
        return (pytest.mark.skip if group.get("skip") else pytest.mark.xfail)(reason=group["why"])

    return {case: mark(group) for group in table["group"] for case in group["cases"]}


def name_of(nodeid):
    return nodeid.split("::", 1)[1].replace("::", " ").replace("#", "")


def pytest_collection_modifyitems(items):
    marks = known()
    for item in items:
        # What web3.py expects of go-ethereum is not expected here.
        item.own_markers = [mark for mark in item.own_markers if mark.name != "xfail"]
        # A case is known by class and name, by its name in every class, or that without the parameters.
        name = name_of(item.nodeid)
        alone = name.split(" ", 1)[-1]
        mark = next((marks[one] for one in (name, alone, alone.split("[")[0]) if one in marks), None)
        if mark:
            item.add_marker(mark)


class Tap:
    def __init__(self, out):
        self.out, self.count = out, 0

    def line(self, is_good, name, directive=""):
        self.count += 1
        self.out.line(f"{'ok' if is_good else 'not ok'} {self.count} - {name}{directive}", flush=True)

    def pytest_runtest_logreport(self, report):
        if report.when != "call" and report.passed:
            return
        name, known_reason = name_of(report.nodeid), getattr(report, "wasxfail", None)
        if known_reason is not None:
            self.line(report.passed, name, f" # TODO {known_reason}")
        elif report.skipped:
            self.line(True, name, f" # SKIP {report.longrepr[-1]}")
        else:
            self.line(report.passed, name)
        if report.failed:
            for text in report.longreprtext.splitlines()[-12:]:
                self.out.line(f"  {text}", flush=True)

    def pytest_sessionfinish(self):
        self.out.line(f"1..{self.count}", flush=True)


@pytest.hookimpl(trylast=True)
def pytest_configure(config):
    config.addinivalue_line("markers", "websocket: asks over a WebSocket")
    out = config.get_terminal_writer()
    config.pluginmanager.unregister(name="terminalreporter")
    config.pluginmanager.register(Tap(out))
