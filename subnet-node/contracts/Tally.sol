// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.30;

/// Adds up what everybody brings: storage, a mapping and an event, as small as they come.
contract Tally {
    /// All that was brought.
    uint256 public total;
    /// What each account brought.
    mapping(address => uint256) public broughtBy;

    event Brought(address indexed by, uint256 amount, uint256 total);

    /// Brings `amount`.
    function bring(uint256 amount) external {
        broughtBy[msg.sender] += amount;
        total += amount;
        emit Brought(msg.sender, amount, total);
    }
}
