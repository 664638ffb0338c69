// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.20;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// A token whose whole supply belongs to who deploys it.
contract RiverToken is ERC20 {
    constructor(uint256 supply) ERC20("River", "RVR") {
        _mint(msg.sender, supply);
    }
}
