// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.24;

import {Probe} from "solidity/probe.sol";
import {RiverToken} from "solidity/token.sol";

/// What the script asks of forge.
interface Forge {
    function envUint(string calldata name) external view returns (uint256);
    function addr(uint256 key) external pure returns (address);
    function startBroadcast(uint256 key) external;
    function stopBroadcast() external;
}

/// Deploys two contracts and uses them: five transactions.
contract Deploy {
    bool public constant IS_SCRIPT = true;
    Forge private constant FORGE = Forge(address(uint160(uint256(keccak256("hevm cheat code")))));

    function run() external returns (address token, address probe) {
        uint256 key = FORGE.envUint("PRIVATE_KEY");
        FORGE.startBroadcast(key);
        RiverToken river = new RiverToken(1_000);
        Probe made = new Probe();
        river.transfer(address(made), 400);
        made.note(21, "from a script");
        (bool paid,) = address(made).call{value: 9}("");
        FORGE.stopBroadcast();
        require(paid && river.balanceOf(FORGE.addr(key)) == 600, "not as simulated");
        return (address(river), address(made));
    }
}
