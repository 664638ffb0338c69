// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.20;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// One side of a pool. Many holders get their share in one transaction, and pools may spend without each holder's approval, as where
/// holders have approved once: a swap then reads one slot to learn it. For a benchmark: anyone may do both.
contract Coin is ERC20 {
    mapping(address spender => bool) private trusted;

    constructor() ERC20("Coin", "COIN") {}

    function give(address[] calldata holders, uint256 each) external {
        for (uint256 i = 0; i < holders.length; i++) _mint(holders[i], each);
    }

    function trust(address[] calldata spenders) external {
        for (uint256 i = 0; i < spenders.length; i++) trusted[spenders[i]] = true;
    }

    function _spendAllowance(address holder, address spender, uint256 value) internal override {
        if (!trusted[spender]) super._spendAllowance(holder, spender, value);
    }
}
