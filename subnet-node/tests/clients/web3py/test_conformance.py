"""web3.py's own conformance classes, run against a subnet.

    RPC_URL=http://127.0.0.1:8545 PRIVATE_KEY=0x… .venv/bin/pytest

Each class asks over HTTP; those that end in `WebSocket` and the one for subscriptions over a WebSocket. `known.toml` names what fails today,
with the reason.
"""

import pytest
from web3._utils.module_testing import (
    AsyncEthModuleTest,
    AsyncNetModuleTest,
    EthModuleTest,
    GoEthereumAsyncDebugModuleTest,
    GoEthereumAsyncTxPoolModuleTest,
    GoEthereumDebugModuleTest,
    GoEthereumTxPoolModuleTest,
    NetModuleTest,
    Web3ModuleTest,
)
from web3._utils.module_testing.persistent_connection_provider import PersistentConnectionProviderTest
from web3._utils.module_testing.web3_module import AsyncWeb3ModuleTest


def is_ours(client_version):
    assert client_version.startswith("subnet-node/")


class TestWeb3(Web3ModuleTest):
    def _check_web3_client_version(self, client_version):
        is_ours(client_version)


class TestNet(NetModuleTest):
    pass


class TestEth(EthModuleTest):
    pass


class TestTxPool(GoEthereumTxPoolModuleTest):
    pass


class TestDebug(GoEthereumDebugModuleTest):
    pass


class TestAsyncWeb3(AsyncWeb3ModuleTest):
    def _check_web3_client_version(self, client_version):
        is_ours(client_version)


class TestAsyncNet(AsyncNetModuleTest):
    pass


class TestAsyncTxPool(GoEthereumAsyncTxPoolModuleTest):
    pass


class TestAsyncDebug(GoEthereumAsyncDebugModuleTest):
    pass


@pytest.mark.websocket
class TestAsyncEthWebSocket(AsyncEthModuleTest):
    pass


@pytest.mark.websocket
class TestAsyncNetWebSocket(AsyncNetModuleTest):
    pass


@pytest.mark.websocket
class TestSubscriptionsWebSocket(PersistentConnectionProviderTest):
    pass
