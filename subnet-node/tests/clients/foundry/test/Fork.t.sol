// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.24;

import {Probe} from "solidity/probe.sol";
import {RiverToken} from "solidity/token.sol";

/// What the test asks of forge.
interface Forge {
    function envAddress(string calldata name) external view returns (address);
    function prank(address as_) external;
    function deal(address account, uint256 balance) external;
}

/// Runs on a fork of the network, after the script: reads what is there, and changes a copy of it.
contract ForkTest {
    Forge private constant FORGE = Forge(address(uint160(uint256(keccak256("hevm cheat code")))));
    RiverToken private token = RiverToken(FORGE.envAddress("TOKEN"));
    Probe private probe = Probe(payable(FORGE.envAddress("PROBE")));

    function test_the_fork_has_what_the_network_has() external view {
        require(token.balanceOf(address(probe)) == 400 && token.totalSupply() == 1_000, "balances");
        require(probe.number() == 21 && address(probe).balance == 9, "storage and value");
    }

    function test_the_fork_goes_its_own_way() external {
        FORGE.prank(address(probe));
        token.transfer(address(this), 100);
        probe.note(22, "on the fork alone");
        FORGE.deal(address(probe), 1 ether);
        require(token.balanceOf(address(this)) == 100 && probe.number() == 22 && address(probe).balance == 1 ether, "changes");
    }
}
