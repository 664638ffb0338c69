// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.20;

/// Calls an actor's method without parameters, by the precompiled contract of FIP-0054, and insists that it did well.
contract Caller {
    address private constant CALL_ACTOR_ID = 0xfe00000000000000000000000000000000000005;

    function call(uint64 actor, uint64 method) external {
        bytes memory message = abi.encode(method, uint256(0), uint64(0), uint64(0), bytes(""), actor);
        (bool made, bytes memory answer) = CALL_ACTOR_ID.delegatecall(message);
        require(made, "no call was made");
        (int256 exit, , ) = abi.decode(answer, (int256, uint64, bytes));
        require(exit == 0, "the actor aborted");
    }
}
